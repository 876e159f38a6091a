import { PlusOutlined } from '@ant-design/icons';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { Draw, DrawState } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { LinkButton } from '../../components/link-button';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle } from '../../session';
import { DrawLink } from './chain';

const states: readonly DrawState[] = [
  'DRAW_STATE_CREATED', 'DRAW_STATE_STATED', 'DRAW_STATE_CONTRIBUTING', 'DRAW_STATE_REVEALED', 'DRAW_STATE_DISPATCHED', 'DRAW_STATE_DONE', 'DRAW_STATE_ABANDONED', 'DRAW_STATE_FAILED',
];

/** Kind of a draw, with the one it follows or succeeds. */
function Kind({ row }: { row: Draw }) {
  const { t, tEnum } = useI18n();
  const before = row.replaces || row.follows;
  return (
    <>
      {row.replaces ? t('chain.way.again') : tEnum('chain.kind.', row.kind)} {before && <DrawLink name={before} />}
    </>
  );
}

/** Draws the organisation makes or contributes to (art. 15). */
export default function Draws() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const state = useListState();
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Draws.ListDraws', { query: state.get('q'), plan: state.get('plan'), state: states.find((one) => one === state.get('state')), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.draws, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const known = (row: Draw, text: string) => (row.stateTime ? Number(text).toLocaleString('en') : '');

  const columns: Column<Draw>[] = [
    { title: t('draws.number'), sort: 'number', nowrap: true, head: true, render: (row) => <Link to={`/draws/${lastPart(row.name)}`}>{lastPart(row.name)}</Link>, csv: (row) => lastPart(row.name) },
    { title: t('draws.plan'), sort: 'plan_title', render: (row) => row.planTitle, csv: (row) => row.planTitle },
    { title: t('chain.kind'), render: (row) => <Kind row={row} />, csv: (row) => [tEnum('chain.kind.', row.kind), lastPart(row.follows || row.replaces)].filter(Boolean).join(' ') },
    { title: t('draws.organisation'), render: (row) => titleOf(row.organisation), csv: (row) => titleOf(row.organisation) },
    { title: t('draws.stateTime'), nowrap: true, render: (row) => formatTime(row.stateTime, lang), csv: (row) => row.stateTime ?? '' },
    { title: t('draws.subjects'), number: true, render: (row) => known(row, row.subjects), csv: (row) => row.subjects },
    { title: t('draws.drawn'), number: true, render: (row) => known(row, row.drawn), csv: (row) => row.drawn },
    { title: t('field.state'), render: (row) => <StateTag prefix="draws.state." value={row.state} />, csv: (row) => tEnum('draws.state.', row.state) },
  ];

  return (
    <>
      <PageHead title={t('draws.title')} lead={t('draws.lead')}>
        {me.may('Draws.CreateDraw') ? (
          <LinkButton type="primary" icon={<PlusOutlined />} to="/draws/new">
            {t('draws.new')}
          </LinkButton>
        ) : (
          <MayNot method="Draws.CreateDraw" />
        )}
      </PageHead>
      <List
        label={t('draws.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="number desc"
        csv={{ fileName: 'draws.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('draws.search')} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('draws.state.', value) }))} width={140} />
          </>
        }
      />
    </>
  );
}
