import { App, Button, DatePicker, Form, Input, Modal, Select } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';
import { call, serverNow } from '../../api/client';
import type { Leave, LeaveKind } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { ErrorPanel } from '../../components/error-panel';
import { useFocusBack } from '../../components/focus-back';
import { useInputRefusals } from '../../components/field-refusals';
import { FormModal } from '../../components/form-modal';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { NotForYou } from '../../components/not-for-you';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { MayNot, PageHead } from '../../components/page';
import { OfficerPicker } from '../../components/pickers';
import { PurposeGate } from '../../components/purpose';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatDay, today } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe } from '../../session';

const kinds = ['LEAVE_KIND_ANNUAL', 'LEAVE_KIND_SICK', 'LEAVE_KIND_FAMILY', 'LEAVE_KIND_TRAINING', 'LEAVE_KIND_SECONDED', 'LEAVE_KIND_OTHER'] as const satisfies readonly LeaveKind[];
const day = (date: Dayjs) => date.format('YYYY-MM-DD');

/** Officers' leave (art. 13): whoever is away on the day of a statement is not drawn. */
export default function Leaves() {
  const { t } = useI18n();
  const me = useMe();
  return me.may('People.ListLeaves') ? <LeaveList /> : <NotForYou title={t('leaves.title')} method="People.ListLeaves" />;
}

function LeaveList() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const [entering, setEntering] = useState(false);
  const [ending, setEnding] = useState<Leave | null>(null);
  const [reading, setReading] = useState<Leave | null>(null);
  const now = today(serverNow());
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('People.ListLeaves', { parent, query: state.get('q'), open: state.get('open') !== '', orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.leaves, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${parent}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const last = (row: Leave) => row.endedDay || row.lastDay;
  const calledOff = (row: Leave) => row.endedDay !== '' && row.endedDay < row.firstDay;
  const stateOf = (row: Leave) => {
    if (calledOff(row)) return t('leaves.calledOff');
    return t(last(row) < now ? 'leaves.state.over' : row.firstDay > now ? 'leaves.state.ahead' : 'leaves.state.now');
  };
  const own = me.user.certificate?.number ?? '';
  const mayEnd = (row: Leave) => row.endedDay === '' && row.lastDay >= now && parent === me.organisation && (me.roles.includes('ROLE_HANDLER') || row.officer === own);

  const columns: Column<Leave>[] = [
    { title: t('leaves.officer'), sort: 'officer', head: true, nowrap: true, render: (row) => <code>{row.officer}</code>, csv: (row) => row.officer },
    { title: t('leaves.kind'), nowrap: true, render: (row) => tEnum('leaves.kind.', row.kind), csv: (row) => tEnum('leaves.kind.', row.kind) },
    {
      title: t('leaves.days'),
      sort: 'first_day',
      render: (row) => (
        <span>
          {formatDay(row.firstDay, lang)} – {formatDay(row.lastDay, lang)}
          {row.endedDay && !calledOff(row) && <small className="muted beneath">{t('leaves.ended', { day: formatDay(row.endedDay, lang) })}</small>}
        </span>
      ),
      csv: (row) => `${row.firstDay} ${last(row)}`,
    },
    { title: t('field.state'), nowrap: true, render: stateOf, csv: stateOf },
    {
      title: t('leaves.reason'),
      render: (row) => (
        <span className="row-acts">
          <Button aria-label={`${t('leaves.readReason')} ${row.officer}`} onClick={() => setReading(row)}>
            {t('leaves.readReason')}
          </Button>
          {mayEnd(row) && (
            <Button aria-label={`${t('leaves.end')} ${row.officer}`} onClick={() => setEnding(row)}>
              {t('leaves.end')}
            </Button>
          )}
        </span>
      ),
    },
  ];

  return (
    <>
      <PageHead title={t('leaves.title')} lead={t('leaves.lead')}>
        {me.may('People.CreateLeave') ? (
          <Button type="primary" onClick={() => setEntering(true)}>
            {t('leaves.create')}
          </Button>
        ) : (
          <MayNot method="People.CreateLeave" what={t('leaves.create')} />
        )}
      </PageHead>
      <List
        label={t('leaves.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="first_day desc"
        empty={t('leaves.none')}
        csv={{ fileName: `leaves-${lastPart(parent)}.csv`, page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('officers.search')} />
            <OrganisationFilter state={state} />
            <FilterSelect state={state} name="open" label={t('field.state')} options={[{ value: 'yes', label: t('leaves.open') }]} width={130} />
          </>
        }
      />
      {entering && <EnterLeave onClose={() => setEntering(false)} onDone={loaded.reload} />}
      {ending && <EndLeave leave={ending} onClose={() => setEnding(null)} onDone={loaded.reload} />}
      {reading && <ReadReason leave={reading} own={reading.officer === own} onClose={() => setReading(null)} />}
    </>
  );
}

interface Entered {
  officer: string;
  first: Dayjs;
  last: Dayjs;
  kind: LeaveKind;
  reason: string;
}

function EnterLeave({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const [form] = Form.useForm<Entered>();
  const { busy, error, run, clear } = useAct();
  const earliest = dayjs(today(serverNow()));
  const handles = me.roles.includes('ROLE_HANDLER');
  const format = lang === 'zh' ? 'YYYY年M月D日 (ddd)' : 'ddd, D MMM YYYY';
  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const leave = { officer: given.officer, firstDay: day(given.first), lastDay: day(given.last), kind: given.kind, reason: given.reason.trim() };
    const done = await run(leave, async (requestId) => {
      await call('People.CreateLeave', { parent: me.organisation, leave, requestId });
    });
    if (!done) return;
    void message.success(t('leaves.created'));
    onDone();
    onClose();
  };
  return (
    <FormModal
      title={t('leaves.create')}
      okText={t('leaves.create')}
      form={form}
      name="leave"
      busy={busy}
      error={error}
      places={{ first_day: 'first', last_day: 'last', LEAVE_OVERLAPS: 'first', LEAVE_IN_PAST: 'first' }}
      initialValues={{ officer: me.user.certificate?.number || undefined }}
      onValuesChange={clear}
      onClose={onClose}
      onSubmit={save}
    >
      <Form.Item name="officer" label={t('leaves.officer')} rules={[{ required: true, message: t('field.required') }]}>
        {handles ? <OfficerPicker parent={me.organisation} placeholder={t('officers.search')} /> : <Input readOnly />}
      </Form.Item>
      <div className="form-row">
        <Form.Item name="first" label={t('leaves.firstDay')} rules={[{ required: true, message: t('field.required') }]}>
          <DatePicker className="wide" format={format} minDate={earliest} />
        </Form.Item>
        <Form.Item
          name="last"
          label={t('leaves.finalDay')}
          dependencies={['first']}
          rules={[
            { required: true, message: t('field.required') },
            ({ getFieldValue }) => ({
              validator: (_, value: Dayjs | undefined) => {
                const first = getFieldValue('first') as Dayjs | undefined;
                return value && first && value.isBefore(first, 'day') ? Promise.reject(new Error(t('leaves.daysWrong'))) : Promise.resolve();
              },
            }),
          ]}
         
        >
          <DatePicker className="wide" format={format} minDate={earliest} />
        </Form.Item>
      </div>
      <Form.Item name="kind" label={t('leaves.kind')} rules={[{ required: true, message: t('field.required') }]}>
        <Select options={kinds.map((value) => ({ value, label: tEnum('leaves.kind.', value) }))} />
      </Form.Item>
      <Form.Item name="reason" label={t('leaves.reason')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
        <Input.TextArea rows={2} maxLength={500} showCount />
      </Form.Item>
    </FormModal>
  );
}

function EndLeave({ leave, onClose, onDone }: { leave: Leave; onClose: () => void; onDone: () => void }) {
  useFocusBack();
  const { t } = useI18n();
  const now = dayjs(today(serverNow()));
  const first = dayjs(leave.firstDay);
  const earliest = (first.isAfter(now) ? first : now).subtract(1, 'day');
  const [last, setLast] = useState<Dayjs | null>(earliest);
  const { busy, error, run, clear } = useAct();
  const refused = useInputRefusals(error, { last: 'leave-last' }, { last_day: 'last' });
  const wrong = last ? refused.about('last') : t('field.required');
  const save = async () => {
    if (!last) return;
    const lastDay = day(last);
    const done = await run([leave.name, lastDay, leave.etag], async (requestId) => {
      await call('People.EndLeave', { name: leave.name, lastDay, etag: leave.etag, requestId });
    });
    if (!done) return;
    onDone();
    onClose();
  };
  return (
    <Modal open title={`${t('leaves.end')} ${leave.officer}`} okText={t('leaves.end')} cancelText={t('act.cancel')} confirmLoading={busy} onOk={() => void save()} onCancel={onClose} mask={{ closable: false }}>
      <p>{t('leaves.endLead')}</p>
      <Form layout="vertical">
        <Form.Item label={t('leaves.lastDay')} required htmlFor="leave-last" validateStatus={wrong ? 'error' : ''} help={wrong} extra={t('leaves.lastDayHint')}>
          <DatePicker
            id="leave-last"
            value={last}
            minDate={earliest}
            maxDate={dayjs(leave.lastDay).subtract(1, 'day')}
            onChange={(chosen: Dayjs | null) => {
              setLast(chosen);
              clear();
            }}
          />
        </Form.Item>
      </Form>
      {error && (
        <ErrorPanel
          error={error}
          beside={refused.beside}
          onRetry={
            error.stale
              ? () => {
                  onDone();
                  onClose();
                }
              : undefined
          }
        />
      )}
    </Modal>
  );
}

function ReadReason({ leave, own, onClose }: { leave: Leave; own: boolean; onClose: () => void }) {
  useFocusBack();
  const { t } = useI18n();
  const [reason, setReason] = useState('');
  const { busy, error, run } = useAct();
  const read = (purpose: string) =>
    run([leave.name, purpose], async () => {
      setReason((await call('People.GetLeave', { name: leave.name }, undefined, purpose)).reason);
    });
  return (
    <Modal open title={`${t('leaves.reason')} ${leave.officer}`} footer={<Button onClick={onClose}>{t('act.close')}</Button>} onCancel={onClose}>
      {reason ? (
        <p className="error-message">{reason}</p>
      ) : own ? (
        <Button loading={busy} onClick={() => void read('own-record')}>
          {t('purpose.own-record')}
        </Button>
      ) : (
        <PurposeGate busy={busy} onRead={(purpose) => void read(purpose)} />
      )}
      {error && <ErrorPanel error={error} />}
    </Modal>
  );
}
