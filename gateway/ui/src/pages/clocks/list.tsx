import { Button } from 'antd';
import type { Clock } from '../../api/contract/clocks';
import { useLoad } from '../../api/use-load';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { listClocks } from '../../lib/clocks';
import { formatDay } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';

/** Deadlines that run, are due and overdue in every part (art. 18, 35): one's own organisation's, for city-wide bodies everybody's. */
export default function Clocks() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const state = useListState();
  const { organisations } = useSessionState();
  const shown = state.get('show');
  const chosen = state.get('organisation');
  const person = state.get('responsible');
  const parent = !me.cityWide ? me.organisation : chosen === '' ? 'organisations/-' : `organisations/${chosen}`;
  const unit = state.get('unit');
  const page = (pageToken: string, pageSize: number, signal?: AbortSignal) =>
    listClocks(
      { parent, query: state.get('q'), overdue: shown === 'overdue', responsible: shown === 'mine' ? me.user.name : person, unit: unit === '' ? '' : `organisations/${unit}`, orderBy: state.order },
      pageSize,
      pageToken,
      signal,
    );
  const named = (names: typeof organisations) => names.map((one) => ({ value: lastPart(one.name), label: titleOf(one.name) }));
  const units = named(organisations.filter((one) => one.parent !== '' && (parent === 'organisations/-' || one.parent === parent)));
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const left = (row: Clock) => (row.daysLeft < 0 ? t('clocks.over', { n: -row.daysLeft }) : t('clocks.leftDays', { n: row.daysLeft }));
  const columns: Column<Clock>[] = [
    { title: t('clocks.what'), sort: 'kind', head: true, render: (row) => <span>{tEnum('clocks.kind.', row.kind)}<small className="muted beneath">{row.aggregate}</small></span>, csv: (row) => tEnum('clocks.kind.', row.kind) },
    { title: t('clocks.of'), csvOnly: true, render: () => null, csv: (row) => row.aggregate },
    { title: t('clocks.due'), sort: 'due_date', nowrap: true, render: (row) => <span>{formatDay(row.dueDate, lang)}{row.provisional && <small className="muted beneath" title={t('clocks.provisionalHint')}>{t('clocks.provisional')}</small>}</span>, csv: (row) => row.dueDate },
    { title: t('clocks.left'), nowrap: true, render: (row) => <span className={row.daysLeft < 0 ? 'due due-over' : 'due'}>{left(row)}</span>, csv: (row) => String(row.daysLeft) },
    { title: t('field.state'), render: (row) => <StateTag prefix="clocks.state." value={row.state} />, csv: (row) => tEnum('clocks.state.', row.state) },
    { title: t('clocks.responsible'), render: (row) => row.responsible ? <Button type="link" className="link-button" onClick={() => state.set({ responsible: row.responsible, show: '' })}>{lastPart(row.responsible)}</Button> : t('clocks.nobody'), csv: (row) => row.responsible },
    { title: t('clocks.unit'), render: (row) => (row.unit ? titleOf(row.unit) : ''), csv: (row) => (row.unit ? titleOf(row.unit) : '') },
    { title: t('field.organisation'), sort: 'organisation', render: (row) => titleOf(row.organisation), csv: (row) => titleOf(row.organisation) },
    { title: t('clocks.start'), sort: 'start_date', nowrap: true, render: (row) => formatDay(row.startDate, lang), csv: (row) => row.startDate },
    { title: t('clocks.days'), nowrap: true, render: (row) => t(row.dayKind === 'DAY_KIND_WORKING' ? 'clocks.daysWorking' : 'clocks.daysCalendar', { n: row.days }), csv: (row) => String(row.days) },
  ];
  return (
    <>
      <PageHead title={t('clocks.title')} lead={t('clocks.lead')} />
      <List
        label={t('clocks.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="due_date"
        empty={t('clocks.none')}
        csv={{ fileName: 'clocks.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('clocks.search')} width={320} />
            <FilterSelect
              state={state}
              name="show"
              label={t('clocks.show')}
              options={[
                { value: 'overdue', label: t('clocks.onlyOverdue') },
                { value: 'mine', label: t('clocks.onlyMine') },
              ]}
              width={140}
              all={t('clocks.allRunning')}
            />
            {me.cityWide && <FilterSelect state={state} name="organisation" label={t('field.organisation')} options={named(organisations)} width={220} />}
            {units.length > 0 && <FilterSelect state={state} name="unit" label={t('clocks.unit')} options={units} width={200} />}
            {person && <FilterSelect state={state} name="responsible" label={t('clocks.responsible')} options={[{ value: person, label: lastPart(person) }]} width={140} />}
          </>
        }
      />
    </>
  );
}
