import { Alert, App, Button, Progress, Spin } from 'antd';
import { useEffect, useState } from 'react';
import { Link, useParams } from 'react-router';
import { call } from '../../api/client';
import type { RegisterChangeOutcome, RegisterChangeRow } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { LinkButton } from '../../components/link-button';
import { FilterSelect, List } from '../../components/list';
import { useListState } from '../../components/list-state';
import { LoadFailed } from '../../components/load-failed';
import { Facts, MayNot, PageHead, Section, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { districtName } from '../../lib/districts';
import { lastPart, pathBelow } from '../../lib/names';
import { useMe, useOrganisationTitle } from '../../session';
import { Account } from './account';
import { useTarget } from './changes';

const outcomes = ['REGISTER_CHANGE_OUTCOME_CHANGED', 'REGISTER_CHANGE_OUTCOME_UNCHANGED', 'REGISTER_CHANGE_OUTCOME_STALE', 'REGISTER_CHANGE_OUTCOME_NOT_FOUND'] as const satisfies readonly RegisterChangeOutcome[];

/** One change: who asked and who decides, how far it is, and what became of each subject. */
export default function RegisterChangeDetail() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const target = useTarget();
  const { message } = App.useApp();
  const { organisation = '', id = '' } = useParams();
  const name = `organisations/${organisation}/registerChanges/${id}`;
  const { data, error, loading, reload, set } = useLoad(name, (signal) => call('RegisterChanges.GetRegisterChange', { name }, signal));
  const [deciding, setDeciding] = useState<'approve' | 'reject' | null>(null);
  const state = useListState();
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('RegisterChanges.ListRegisterChangeRows', { parent: name, outcome: outcomes.find((one) => one === state.get('outcome')), pageSize, pageToken }, signal);
    return { rows: answer.rows, nextPageToken: answer.nextPageToken };
  };
  const done = data ? Number(data.changed) + Number(data.unchanged) + Number(data.refused) : 0;
  const listed = useLoad(`${name}?${state.key}&${done}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const applying = data?.state === 'REGISTER_CHANGE_STATE_APPLYING';
  useEffect(() => {
    if (!applying || loading) return undefined;
    const waiting = setTimeout(reload, 1000);
    return () => clearTimeout(waiting);
  }, [applying, loading, reload]);

  if (error) return <LoadFailed error={error} onRetry={reload} />;
  if (!data) return <Spin className="page-spin" />;
  const isImport = data.kind === 'REGISTER_CHANGE_KIND_IMPORT';
  const isExperts = data.kind === 'REGISTER_CHANGE_KIND_EXPERTS';
  const pending = data.state === 'REGISTER_CHANGE_STATE_PENDING';
  const own = data.creator === me.user.name;
  const n = (text: string) => Number(text).toLocaleString('en');
  const expertColumns: Column<RegisterChangeRow>[] = [
    { title: t('experts.key'), head: true, nowrap: true, render: (row) => <code>{row.key}</code>, csv: (row) => row.key },
    { title: t('changes.asked'), render: (row) => row.note, csv: (row) => row.note },
    { title: t('changes.outcome'), render: (row) => tEnum('changes.outcome.', row.outcome), csv: (row) => tEnum('changes.outcome.', row.outcome) },
  ];
  const columns: Column<RegisterChangeRow>[] = [
    { title: t('field.title'), head: true, render: (row) => (row.title ? <Link to={`/subjects/${organisation}/${encodeURIComponent(row.key)}`}>{row.title}</Link> : row.key), csv: (row) => row.title },
    { title: t('subjects.key'), nowrap: true, render: (row) => <code>{row.key}</code>, csv: (row) => row.key },
    { title: t('field.district'), nowrap: true, render: (row) => districtName(row.district, lang), csv: (row) => row.district },
    { title: t('subjects.status'), render: (row) => (row.title ? <StateTag prefix="subjects.status." value={row.status} /> : null), csv: (row) => tEnum('subjects.status.', row.status) },
    {
      title: t('changes.outcome'),
      render: (row) => (
        <span>
          {tEnum('changes.outcome.', row.outcome)}
          {row.note && <small className="muted beneath">{row.note}</small>}
        </span>
      ),
      csv: (row) => tEnum('changes.outcome.', row.outcome),
    },
    { title: t('changes.remark'), csvOnly: true, render: () => null, csv: (row) => row.note },
  ];
  return (
    <>
      <PageHead title={target(data)} state={<StateTag prefix="changes.state." value={data.state} />} lead={titleOf(organisation)}>
        {pending &&
          (!me.may('RegisterChanges.ApproveRegisterChange') ? (
            <MayNot method="RegisterChanges.ApproveRegisterChange" what={t('changes.approve')} />
          ) : own ? (
            <span className="muted">{t('may.ownAct')}</span>
          ) : (
            <>
              <Button onClick={() => setDeciding('reject')}>{t('changes.reject')}</Button>
              <Button type="primary" onClick={() => setDeciding('approve')}>
                {t('changes.approve')}
              </Button>
            </>
          ))}
      </PageHead>
      {pending && <Alert className="page-note" type="warning" showIcon title={t('changes.waits', { plan: lastPart(data.plan) })} />}
      <Section
        extra={
          isImport && (
            <LinkButton to={pathBelow('subjects/imports', data.import)}>{t('changes.importReport')}</LinkButton>
          )
        }
      >
        <Facts
          facts={[
            [t('field.reason'), data.reason],
            [t('changes.plan'), data.plan && <Link to={`/plans/${lastPart(data.plan)}`}>{lastPart(data.plan)}</Link>],
            [t('changes.creator'), <span key="creator"><Account name={data.creator} /> · {formatTime(data.createTime, lang)}</span>],
            [t('changes.decider'), data.decider && <span key="decider"><Account name={data.decider} /> · {formatTime(data.decideTime, lang)}</span>],
            [t('changes.remark'), data.decideReason],
          ]}
        />
        {applying && (
          <>
            <Progress percent={Math.floor((done / Math.max(1, Number(data.rows))) * 100)} status="normal" aria-label={t('changes.state.REGISTER_CHANGE_STATE_APPLYING')} />
            <p role="status">{t('changes.progress', { done: done.toLocaleString('en'), rows: n(data.rows) })}</p>
          </>
        )}
        <dl className="counts">
          <div>
            <dt>{t(isImport ? 'changes.importRows' : isExperts ? 'changes.expertRows' : 'changes.rows')}</dt>
            <dd>{n(data.rows)}</dd>
          </div>
          <div>
            <dt>{t('changes.changed')}</dt>
            <dd>{n(data.changed)}</dd>
          </div>
          <div>
            <dt>{t('changes.unchanged')}</dt>
            <dd>{n(data.unchanged)}</dd>
          </div>
          <div className={data.refused === '0' ? undefined : 'bad'}>
            <dt>{t('changes.refused')}</dt>
            <dd>{n(data.refused)}</dd>
          </div>
        </dl>
      </Section>
      {(!isImport || (listed.data?.rows.length ?? 0) > 0) && (
        <>
          <h2 className="page-part">{t(isImport ? 'changes.importRowsTitle' : isExperts ? 'changes.expertRowsTitle' : 'changes.rowsTitle')}</h2>
          <List
            label={t('changes.rowsTitle')}
            state={state}
            loaded={listed}
            columns={isExperts ? expertColumns : columns}
            rowKey={(row) => row.key}
            csv={{ fileName: `register-change-${id}.csv`, page }}
            filters={<FilterSelect state={state} name="outcome" label={t('changes.outcome')} options={outcomes.map((value) => ({ value, label: tEnum('changes.outcome.', value) }))} width={240} />}
          />
        </>
      )}
      <Confirm
        open={deciding === 'approve'}
        title={t('changes.approve')}
        okText={t('changes.approve')}
        content={[name, data.etag]}
        onClose={() => setDeciding(null)}
        onReload={reload}
        act={async (requestId) => {
          set(await call('RegisterChanges.ApproveRegisterChange', { name, etag: data.etag, requestId }));
          void message.success(t(isExperts ? 'changes.expertApproved' : 'changes.approved'));
        }}
      >
        <p>{t(isExperts ? 'changes.expertApproveHint' : 'changes.approveHint')}</p>
      </Confirm>
      <Confirm
        open={deciding === 'reject'}
        title={t('changes.reject')}
        okText={t('changes.reject')}
        danger
        reason
        content={[name, data.etag]}
        onClose={() => setDeciding(null)}
        onReload={reload}
        act={async (requestId, reason) => {
          set(await call('RegisterChanges.RejectRegisterChange', { name, etag: data.etag, reason, requestId }));
          void message.success(t('changes.rejected'));
        }}
      />
    </>
  );
}
