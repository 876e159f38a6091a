import { Select } from 'antd';
import { useI18n } from '../i18n';
import { lastPart } from '../lib/names';
import { useMe, useOrganisationTitle, useSessionState } from '../session';
import type { ListState } from './list-state';

/** Which organisation's rows a list shows: one's own, or for city-wide roles the one in the address. */
export function useOrganisationInView(state: ListState): string {
  const me = useMe();
  const chosen = state.get('organisation');
  return me.cityWide && chosen ? `organisations/${chosen}` : me.organisation;
}

/** Choice of the organisation, for those who reach more than their own. */
export function OrganisationFilter({ state }: { state: ListState }) {
  const { t } = useI18n();
  const me = useMe();
  const { organisations } = useSessionState();
  const titleOf = useOrganisationTitle();
  const inView = useOrganisationInView(state);
  if (!me.cityWide) return null;
  return (
    <label className="filter">
      <span>{t('field.organisation')}</span>
      <Select
        style={{ width: 220 }}
        aria-label={t('field.organisation')}
        value={lastPart(inView)}
        options={organisations.map((one) => ({ value: lastPart(one.name), label: titleOf(one.name) }))}
        onChange={(value: string) => state.set({ organisation: value })}
        showSearch={{ optionFilterProp: 'label' }}
      />
    </label>
  );
}
