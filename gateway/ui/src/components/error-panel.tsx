import { Alert, Button } from 'antd';
import type { ApiError, FieldViolation } from '../api/errors';
import { useI18n, type TextKey } from '../i18n';
import { inLanguage } from './field-refusals';

/** What to do about an error, by its kind. */
export function todoFor(error: ApiError): TextKey | null {
  if (error.stale) return 'error.todo.stale';
  if (error.retriable) return 'error.todo.retry';
  if (error.reason === 'INTERNAL' && error.trace) return 'error.todo.report';
  if (error.status === 401 && error.reason === 'NOT_SIGNED_IN') return 'error.todo.signIn';
  if (error.reason === 'ROLE_MISSING') return 'error.todo.role';
  switch (error.code) {
    case 3:
      return 'error.todo.input';
    case 5:
      return 'error.todo.notFound';
    case 9:
      return 'error.todo.state';
    default:
      return null;
  }
}

interface Props {
  error: ApiError;
  /** Loads again, or reloads the record when it was stale. */
  onRetry?: () => void;
  /** Whether something was to be loaded rather than done. */
  loading?: boolean;
  /** What of it stands beside its field already. */
  beside?: readonly FieldViolation[];
  /** Whether the page's heading says already that it failed. */
  untitled?: boolean;
}

/** A refusal in the law's words: sentence, what to do, article as a link, reason code. */
export function ErrorPanel({ error, onRetry, loading = false, untitled = false, beside = [] }: Props) {
  const { t, lang } = useI18n();
  const todo = todoFor(error);
  const violations = error.violations.filter((one) => !beside.includes(one));
  // What does not exist or is not for this user comes no sooner by asking again.
  const again = error.retriable || error.stale || (loading && error.code !== 5 && error.code !== 7);
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      className="error-panel"
      title={untitled ? undefined : t(loading ? 'error.loadTitle' : 'error.title')}
      description={
        <>
          <p className="error-message">{lang === 'zh' ? error.messageZh : error.messageEn}</p>
          {violations.length > 0 && (
            <ul>
              {violations.map((violation, at) => (
                <li key={at}>
                  <code>{violation.field}</code> {inLanguage(violation.description, lang)}
                </li>
              ))}
            </ul>
          )}
          {todo && <p>{t(todo)}</p>}
          <p className="error-basis">
            {error.article && (
              <a href={`/law#article-${error.article}`} target="_blank" rel="noreferrer">
                {t('error.article', { n: error.article })}
              </a>
            )}
            <span>
              {t('error.reason')} <code>{error.reason}</code>
            </span>
            {error.trace && (error.code === 13 || error.code === 14) && (
              <span>
                {t('error.trace')} <code>{error.trace}</code>
              </span>
            )}
          </p>
        </>
      }
      action={onRetry && again ? <Button onClick={onRetry}>{t(error.stale ? 'act.reload' : 'act.retry')}</Button> : undefined}
    />
  );
}
