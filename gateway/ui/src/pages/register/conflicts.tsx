import { App, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { Conflict, ConflictState } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { FormModal } from '../../components/form-modal';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { Facts, MayNot, PageHead, StateTag } from '../../components/page';
import { OfficerPicker, SubjectPicker } from '../../components/pickers';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { lastPart, pathBelow } from '../../lib/names';
import { rolesFor } from '../../lib/roles';
import { useMe } from '../../session';
import { accountName } from './account';

interface Declared {
  officer: string;
  subject: string;
  reason: string;
}

const states = ['CONFLICT_STATE_STANDING', 'CONFLICT_STATE_LIFT_ASKED', 'CONFLICT_STATE_LIFTED'] as const satisfies readonly ConflictState[];

/** What may be done with a conflict. */
type Act = 'ask' | 'lift' | 'reject';

/** Conflicts of interest, declared before draws, and how they end (art. 16). */
export default function Conflicts() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const mayRead = me.may('Registers.ListConflicts');
  const [declaring, setDeclaring] = useState(false);
  const [form] = Form.useForm<Declared>();
  const { busy, error, run, clear } = useAct();
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    if (!mayRead) return { rows: [], nextPageToken: '' };
    const answer = await call('Registers.ListConflicts', { parent, query: state.get('q'), state: states.find((one) => one === state.get('state')), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.conflicts, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${parent}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));

  const [acting, setActing] = useState<{ act: Act; conflict: Conflict } | null>(null);
  const own = me.user.certificate?.number ?? '';
  const all = me.roles.some((role) => role === 'ROLE_HANDLER' || role === 'ROLE_REVIEWER' || role === 'ROLE_AUDITOR');
  const acts = (row: Conflict) => {
    const here = row.name.startsWith(`${me.organisation}/`);
    const start = (act: Act, key: 'conflicts.askLift' | 'conflicts.lift' | 'conflicts.rejectLift') => (
      <Button aria-label={`${t(key)} ${row.officer} ${row.subject}`} onClick={() => setActing({ act, conflict: row })}>
        {t(key)}
      </Button>
    );
    if (row.state === 'CONFLICT_STATE_STANDING' && here && me.may('People.RequestConflictLift') && (me.roles.includes('ROLE_HANDLER') || row.officer === own)) return start('ask', 'conflicts.askLift');
    if (row.state !== 'CONFLICT_STATE_LIFT_ASKED' || !here) return null;
    if (!me.may('People.LiftConflict')) return <MayNot method="People.LiftConflict" />;
    if (row.liftAsker === me.user.name || row.officer === own) return <span className="muted">{t('may.ownAct')}</span>;
    return (
      <span className="row-acts">
        {start('lift', 'conflicts.lift')}
        {start('reject', 'conflicts.rejectLift')}
      </span>
    );
  };
  const ended = (row: Conflict) => {
    if (row.liftRejectReason) return t('conflicts.rejected', { reason: row.liftRejectReason });
    return row.liftReason;
  };

  const columns: Column<Conflict>[] = [
    { title: t('conflicts.person'), sort: 'officer', head: true, render: (row) => <code>{row.officer}</code>, csv: (row) => row.officer },
    {
      title: t('conflicts.subject'),
      sort: 'subject',
      render: (row) => (
        <span>
          <Link to={pathBelow('subjects', `${parent}/subjects/${row.subject}`)}>{row.subjectTitle || <code>{row.subject}</code>}</Link>
          {row.subjectTitle && <small className="muted beneath">{row.subject}</small>}
        </span>
      ),
      csv: (row) => row.subject,
    },
    { title: t('field.title'), csvOnly: true, render: () => null, csv: (row) => row.subjectTitle },
    { title: t('field.reason'), render: (row) => row.reason, csv: (row) => row.reason },
    { title: t('conflicts.time'), sort: 'create_time', nowrap: true, render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
    {
      title: t('field.state'),
      render: (row) => (
        <span>
          <StateTag prefix="conflicts.state." value={row.state} />
          {ended(row) && <small className="muted beneath">{ended(row)}</small>}
        </span>
      ),
      csv: (row) => tEnum('conflicts.state.', row.state),
    },
    { title: t('users.act'), render: (row) => acts(row) ?? '' },
  ];

  const move = async (requestId: string, reason: string) => {
    if (!acting) return;
    const { name, etag } = acting.conflict;
    if (acting.act === 'ask') await call('People.RequestConflictLift', { name, reason, etag, requestId });
    else if (acting.act === 'lift') await call('People.LiftConflict', { name, etag, requestId });
    else await call('People.RejectConflictLift', { name, reason, etag, requestId });
    void message.success(t(acting.act === 'ask' ? 'conflicts.asked' : acting.act === 'lift' ? 'conflicts.lifted' : 'conflicts.rejectLift'));
    loaded.reload();
  };
  const moving = acting?.act === 'lift' ? 'conflicts.lift' : acting?.act === 'reject' ? 'conflicts.rejectLift' : 'conflicts.askLift';

  const declare = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const conflict = { ...given, reason: given.reason.trim() };
    const done = await run(conflict, async (requestId) => {
      await call('Registers.DeclareConflict', { parent: me.organisation, conflict, requestId });
    });
    if (!done) return;
    void message.success(t('conflicts.declared'));
    form.resetFields();
    setDeclaring(false);
    loaded.reload();
  };

  const filters = (
    <>
      <SearchBox state={state} placeholder={t('conflicts.search')} width={320} />
      <OrganisationFilter state={state} />
      <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('conflicts.state.', value) }))} width={130} />
    </>
  );

  return (
    <>
      <PageHead title={t('conflicts.title')} lead={t('conflicts.lead')}>
        {me.may('Registers.DeclareConflict') ? (
          <Button
            type="primary"
            onClick={() => {
              clear();
              setDeclaring(true);
            }}
          >
            {t('conflicts.declare')}
          </Button>
        ) : (
          <MayNot method="Registers.DeclareConflict" what={t('conflicts.declare')} />
        )}
      </PageHead>
      {mayRead && !all && <p className="muted">{t('conflicts.own')}</p>}
      {mayRead ? (
        <List label={t('conflicts.title')} state={state} loaded={loaded} columns={columns} rowKey={(row) => row.name} standard="create_time desc" csv={{ fileName: `conflicts-${lastPart(parent)}.csv`, page }} empty={t('conflicts.none')} filters={filters} />
      ) : (
        <p className="muted">{t('conflicts.readers', { roles: rolesFor('Registers.ListConflicts').map((role) => tEnum('role.', role)).join(lang === 'zh' ? '、' : ', ') })}</p>
      )}
      {acting && (
        <Confirm open title={`${t(moving)} ${acting.conflict.officer}`} okText={t(moving)} reason={acting.act !== 'lift'} content={[acting.act, acting.conflict.name, acting.conflict.etag]} onClose={() => setActing(null)} onReload={loaded.reload} act={move}>
          <Facts
            facts={[
              [t('conflicts.person'), acting.conflict.officer],
              [t('conflicts.subject'), [acting.conflict.subjectTitle, acting.conflict.subject].filter(Boolean).join(' ')],
              [t('conflicts.why'), acting.conflict.reason],
            ]}
          />
          <p className="dialog-lead">{acting.act === 'ask' ? t('conflicts.askLiftLead') : t('conflicts.liftLead', { asker: accountName(t, me, acting.conflict.liftAsker), reason: acting.conflict.liftReason })}</p>
        </Confirm>
      )}
      {declaring && (
        <FormModal
          title={t('conflicts.declare')}
          okText={t('conflicts.declare')}
          form={form}
          name="conflict"
          busy={busy}
          error={error}
          places={{ ALREADY_EXISTS: 'subject', EXPERT_RETIRED: 'officer', NOT_FOUND: 'officer' }}
          initialValues={{ officer: me.user.certificate?.number || undefined }}
          onValuesChange={clear}
          onClose={() => setDeclaring(false)}
          onSubmit={declare}
        >
          <Form.Item name="officer" label={t('conflicts.officer')} rules={[{ required: true, message: t('field.required') }]}>
            <OfficerPicker parent={me.organisation} placeholder={t('officers.search')} />
          </Form.Item>
          <Form.Item name="subject" label={t('conflicts.subject')} rules={[{ required: true, message: t('field.required') }]}>
            <SubjectPicker parent={me.organisation} placeholder={t('conflicts.subjectHint')} />
          </Form.Item>
          <Form.Item name="reason" label={t('field.reason')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
            <Input.TextArea rows={3} maxLength={500} showCount />
          </Form.Item>
        </FormModal>
      )}
    </>
  );
}
