import type { ApiError } from '../api/errors';
import { useI18n } from '../i18n';
import { ErrorPanel } from './error-panel';
import { PageHead } from './page';

/** A page whose record could not be loaded. */
export function LoadFailed({ error, onRetry }: { error: ApiError; onRetry: () => void }) {
  const { t } = useI18n();
  return (
    <>
      <PageHead title={t('error.loadTitle')} />
      <ErrorPanel error={error} onRetry={onRetry} loading untitled />
    </>
  );
}
