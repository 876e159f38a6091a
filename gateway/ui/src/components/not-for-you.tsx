import { Alert } from 'antd';
import type { Methods } from '../api/contract/routes';
import { useI18n } from '../i18n';
import { rolesFor } from '../lib/roles';
import { LinkButton } from './link-button';
import { PageHead } from './page';

/** A page that the person signed in may not use: whose it is, and what to do. Nothing is asked of the server. */
export function NotForYou({ title, method }: { title: string; method: keyof Methods }) {
  const { t, tEnum, lang } = useI18n();
  const roles = rolesFor(method)
    .filter((role) => role !== 'ROLE_INTEGRATOR')
    .map((role) => tEnum('role.', role))
    .join(lang === 'zh' ? '、' : ', ');
  return (
    <>
      <PageHead title={title} />
      <Alert type="info" showIcon title={t('may.pageOf', { roles })} description={t('error.todo.role')} />
      <p className="after-note">
        <LinkButton to="/">{t('may.home')}</LinkButton>
      </p>
    </>
  );
}
