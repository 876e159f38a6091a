import { PlusOutlined } from '@ant-design/icons';
import { Tag } from 'antd';
import { Link } from 'react-router';
import { call, serverNow } from '../../api/client';
import type { Plan, PlanState } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { LinkButton } from '../../components/link-button';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatDay, formatTime, today } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle } from '../../session';

const states: readonly PlanState[] = ['PLAN_STATE_DRAFT', 'PLAN_STATE_IN_REVIEW', 'PLAN_STATE_PUBLISHED', 'PLAN_STATE_FINISHED'];

/** Inspection plans (art. 9, 14). */
export default function Plans() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const state = useListState();
  const thisYear = Number(today(serverNow()).slice(0, 4));
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Plans.ListPlans', { query: state.get('q'), state: states.find((one) => one === state.get('state')), year: Number(state.get('year')), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.plans, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));

  const columns: Column<Plan>[] = [
    { title: t('plans.number'), sort: 'number', nowrap: true, render: (row) => lastPart(row.name), csv: (row) => lastPart(row.name) },
    { title: t('plans.name'), sort: 'title', head: true, render: (row) => <Link to={`/plans/${lastPart(row.name)}`}>{row.title}</Link>, csv: (row) => row.title },
    { title: t('plans.year'), number: true, render: (row) => row.year, csv: (row) => String(row.year) },
    { title: t('plans.kind'), nowrap: true, render: (row) => tEnum('plans.kind.', row.kind), csv: (row) => tEnum('plans.kind.', row.kind) },
    { title: t('field.organisation'), render: (row) => titleOf(row.organisation), csv: (row) => titleOf(row.organisation) },
    { title: t('plans.endDate'), sort: 'end_date', nowrap: true, render: (row) => formatDay(row.endDate, lang), csv: (row) => row.endDate },
    {
      title: t('field.state'),
      render: (row) => (
        <span>
          <StateTag prefix="plans.state." value={row.state} />{' '}
          {row.late && <Tag className="state state-warning">{t('plans.late')}</Tag>}
        </span>
      ),
      csv: (row) => tEnum('plans.state.', row.state),
    },
    { title: t('plans.publishTime'), sort: 'publish_time', render: (row) => formatTime(row.publishTime, lang), csv: (row) => row.publishTime ?? '' },
  ];

  return (
    <>
      <PageHead title={t('plans.title')} lead={t('plans.lead')}>
        {me.may('Plans.CreatePlan') ? (
          <LinkButton type="primary" icon={<PlusOutlined />} to="/plans/new">{t('plans.new')}</LinkButton>
        ) : (
          <MayNot method="Plans.CreatePlan" what={t('plans.new')} />
        )}
      </PageHead>
      <List
        label={t('plans.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="number desc"
        csv={{ fileName: 'plans.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('plans.search')} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('plans.state.', value) }))} width={120} />
            <FilterSelect state={state} name="year" label={t('plans.year')} options={[1, 0, -1, -2, -3].map((shift) => String(thisYear + shift)).map((year) => ({ value: year, label: year }))} width={110} />
          </>
        }
      />
    </>
  );
}
