import { useI18n, type Translate } from '../../i18n';
import { lastPart } from '../../lib/names';
import { useMe, type Me } from '../../session';

/** Who an account is, in words: oneself by name, others by the end of their account's number, since names are personal data. */
export function accountName(t: Translate, me: Me, name: string): string {
  if (!name) return '';
  return name === me.user.name ? t('account.me', { name: me.user.realName }) : t('account.other', { end: lastPart(name).slice(-8) });
}

/** The same, with the whole number at hand. */
export function Account({ name }: { name: string }) {
  const { t } = useI18n();
  const me = useMe();
  return name ? <span title={lastPart(name)}>{accountName(t, me, name)}</span> : null;
}
