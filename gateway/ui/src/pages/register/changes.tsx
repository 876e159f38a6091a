import { Link } from 'react-router';
import { call } from '../../api/client';
import type { RegisterChange, RegisterChangeState } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { districtName } from '../../lib/districts';
import { lastPart, pathBelow } from '../../lib/names';
import { Account } from './account';

const states = ['REGISTER_CHANGE_STATE_PENDING', 'REGISTER_CHANGE_STATE_APPLYING', 'REGISTER_CHANGE_STATE_APPLIED', 'REGISTER_CHANGE_STATE_REJECTED'] as const satisfies readonly RegisterChangeState[];

/** What a change makes of its subjects, in words. */
export function useTarget(): (change: RegisterChange) => string {
  const { t, tEnum, lang } = useI18n();
  return (change) => {
    const kind = tEnum('changes.kind.', change.kind);
    if (change.kind === 'REGISTER_CHANGE_KIND_STATUS') return `${kind} → ${tEnum('subjects.status.', change.status)}`;
    if (change.kind === 'REGISTER_CHANGE_KIND_DISTRICT') return `${kind} → ${districtName(change.district, lang)}`;
    return change.kind === 'REGISTER_CHANGE_KIND_IMPORT' || change.kind === 'REGISTER_CHANGE_KIND_EXPERTS' ? kind : t('changes.number');
  };
}

/** Changes of the register, newest first: bulk ones, and those that wait for a second person (art. 13). */
export default function RegisterChanges() {
  const { t, tEnum, lang } = useI18n();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const target = useTarget();
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('RegisterChanges.ListRegisterChanges', { parent, state: states.find((one) => one === state.get('state')), query: state.get('q'), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.changes, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${parent}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const n = (title: string, pick: (row: RegisterChange) => string): Column<RegisterChange> => ({ title, number: true, render: (row) => Number(pick(row)).toLocaleString('en'), csv: pick });
  const columns: Column<RegisterChange>[] = [
    { title: t('changes.number'), head: true, render: (row) => <Link to={pathBelow('subjects/changes', row.name)}>{target(row)}</Link>, csv: target },
    { title: t('field.state'), render: (row) => <StateTag prefix="changes.state." value={row.state} />, csv: (row) => tEnum('changes.state.', row.state) },
    { title: t('field.reason'), render: (row) => row.reason, csv: (row) => row.reason },
    { title: t('field.createTime'), sort: 'create_time', nowrap: true, render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
    { title: t('changes.creator'), nowrap: true, render: (row) => <Account name={row.creator} />, csv: (row) => lastPart(row.creator) },
    { title: t('changes.decider'), nowrap: true, render: (row) => <Account name={row.decider} />, csv: (row) => lastPart(row.decider) },
    { ...n(t('changes.rows'), (row) => row.rows), sort: 'rows' },
    n(t('changes.changed'), (row) => row.changed),
    { ...n(t('changes.unchanged'), (row) => row.unchanged), csvOnly: true },
    { ...n(t('changes.refused'), (row) => row.refused), csvOnly: true },
  ];
  return (
    <>
      <PageHead title={t('changes.title')} lead={t('changes.lead')} />
      <List
        label={t('changes.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="create_time desc"
        empty={t('changes.none')}
        csv={{ fileName: `register-changes-${lastPart(parent)}.csv`, page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('changes.search')} />
            <OrganisationFilter state={state} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('changes.state.', value) }))} />
          </>
        }
      />
    </>
  );
}
