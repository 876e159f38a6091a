import { PageHead } from '../components/page';
import { useI18n } from '../i18n';

export function NotFound() {
  const { t } = useI18n();
  return <PageHead title={t('app.notFound')} lead={t('app.notFoundHint')} />;
}
