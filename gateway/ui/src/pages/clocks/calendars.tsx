import { PlusOutlined } from '@ant-design/icons';
import { Button, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { Calendar, CalendarState, SpecialDay } from '../../api/contract/catalog';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { ErrorPanel } from '../../components/error-panel';
import { FormModal } from '../../components/form-modal';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { MayNot, PageHead, StateTag } from '../../components/page';
import { Table, type Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatDay, formatTime } from '../../lib/dates';
import { useMe } from '../../session';

const states = ['CALENDAR_STATE_IN_REVIEW', 'CALENDAR_STATE_OFFICIAL', 'CALENDAR_STATE_REPLACED', 'CALENDAR_STATE_REJECTED'] as const satisfies readonly CalendarState[];

/** The years' official calendars (art. 18): what deadlines are counted by, and who puts a new one in force. */
export default function Calendars() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const state = useListState();
  const [entering, setEntering] = useState(false);
  const [shown, setShown] = useState<Calendar | null>(null);
  const [approving, setApproving] = useState<Calendar | null>(null);
  const [rejecting, setRejecting] = useState<Calendar | null>(null);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Calendars.ListCalendars', { query: state.get('q'), state: states.find((one) => one === state.get('state')), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.calendars, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const creator = (row: Calendar) => (row.creator.startsWith('services/') ? t('calendars.delivery') : row.creator);
  const label = (row: Calendar) => `${row.year} ${t('calendars.versionN', { n: row.version })}`;
  const acts = (row: Calendar) => {
    const waits = row.state === 'CALENDAR_STATE_IN_REVIEW';
    const own = row.creator === me.user.name;
    return (
      <span className="row-acts">
        <Button type="link" size="small" aria-label={`${t('calendars.show')} ${label(row)}`} onClick={() => setShown(row)}>
          {t('calendars.show')}
        </Button>
        {waits && me.may('Calendars.ApproveCalendar') && !own && (
          <Button type="link" size="small" aria-label={`${t('calendars.approve')} ${label(row)}`} onClick={() => setApproving(row)}>
            {t('calendars.approve')}
          </Button>
        )}
        {waits && me.may('Calendars.RejectCalendar') && (
          <Button type="link" size="small" aria-label={`${t('calendars.reject')} ${label(row)}`} onClick={() => setRejecting(row)}>
            {t('calendars.reject')}
          </Button>
        )}
        {waits && own && <small className="muted">{t('may.ownAct')}</small>}
      </span>
    );
  };
  const columns: Column<Calendar>[] = [
    { title: t('calendars.year'), sort: 'year', head: true, nowrap: true, render: (row) => row.year, csv: (row) => String(row.year) },
    { title: t('calendars.version'), nowrap: true, render: (row) => t('calendars.versionN', { n: row.version }), csv: (row) => String(row.version) },
    { title: t('field.state'), render: (row) => <span><StateTag prefix="calendars.state." value={row.state} />{row.reason && <small className="muted beneath">{row.reason}</small>}</span>, csv: (row) => tEnum('calendars.state.', row.state) },
    { title: t('calendars.basis'), render: (row) => row.bases.join('、'), csv: (row) => row.bases.join('、') },
    { title: t('calendars.creator'), render: creator, csv: creator },
    { title: t('calendars.time'), sort: 'create_time', nowrap: true, render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
    { title: t('calendars.reviewer'), csvOnly: true, render: () => null, csv: (row) => row.reviewer },
    { title: t('users.act'), render: acts },
  ];
  return (
    <>
      <PageHead title={t('calendars.title')} lead={t('calendars.lead')}>
        {me.may('Calendars.ImportCalendar') ? (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setEntering(true)}>
            {t('calendars.enter')}
          </Button>
        ) : (
          <MayNot method="Calendars.ImportCalendar" what={t('calendars.enter')} />
        )}
      </PageHead>
      <List
        label={t('calendars.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="year desc"
        empty={t('calendars.none')}
        csv={{ fileName: 'calendars.csv', page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('calendars.search')} width={240} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('calendars.state.', value) }))} width={140} />
          </>
        }
      />
      {entering && <EnterCalendar onClose={() => setEntering(false)} onEntered={() => { setEntering(false); loaded.reload(); }} />}
      {shown && <SpecialDays calendar={shown} title={`${t('calendars.days')} ${label(shown)}`} onClose={() => setShown(null)} />}
      <Confirm
        open={approving !== null}
        title={t('calendars.approve')}
        okText={t('calendars.approve')}
        content={approving && [approving.name, approving.etag]}
        onClose={() => setApproving(null)}
        onReload={loaded.reload}
        act={async (requestId) => {
          if (!approving) return;
          await call('Calendars.ApproveCalendar', { name: approving.name, etag: approving.etag, requestId });
          loaded.reload();
        }}
      >
        {approving && <p>{t('calendars.approveAsk', { year: approving.year })}</p>}
      </Confirm>
      <Confirm
        open={rejecting !== null}
        title={t('calendars.reject')}
        okText={t('calendars.reject')}
        danger
        reason
        content={rejecting && [rejecting.name, rejecting.etag]}
        onClose={() => setRejecting(null)}
        onReload={loaded.reload}
        act={async (requestId, reason) => {
          if (!rejecting) return;
          await call('Calendars.RejectCalendar', { name: rejecting.name, etag: rejecting.etag, reason, requestId });
          loaded.reload();
        }}
      />
    </>
  );
}

interface Written {
  content: string;
}

/** Enters a year's calendar; another person puts it in force. */
function EnterCalendar({ onClose, onEntered }: { onClose: () => void; onEntered: () => void }) {
  const { t } = useI18n();
  const [form] = Form.useForm<Written>();
  const { busy, error, run, clear } = useAct();
  const enter = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    await run(given, async (requestId) => {
      await call('Calendars.ImportCalendar', { content: given.content, requestId });
      onEntered();
    });
  };
  return (
    <FormModal
      title={t('calendars.enter')}
      okText={t('calendars.enter')}
      form={form}
      name="calendar"
      busy={busy}
      error={error}
      width={720}
      places={{ FILE_UNREADABLE: 'content', CALENDAR_OF_ONE_YEAR: 'content', CALENDAR_IN_REVIEW: 'content', CALENDAR_UNCHANGED: 'content', TOO_LARGE: 'content' }}
      lead={<p className="muted">{t('calendars.enterLead')}</p>}
      onValuesChange={clear}
      onClose={onClose}
      onSubmit={enter}
    >
      <Form.Item name="content" label={t('calendars.content')} extra={t('calendars.contentHint')} rules={[{ required: true, whitespace: true, message: t('field.required') }]}>
        <Input.TextArea rows={10} autoComplete="off" spellCheck={false} />
      </Form.Item>
    </FormModal>
  );
}

/** The days of a version that do not follow the week. */
function SpecialDays({ calendar, title, onClose }: { calendar: Calendar; title: string; onClose: () => void }) {
  const { t, lang } = useI18n();
  const { data, error, loading, reload } = useLoad(calendar.name, (signal) => call('Calendars.GetCalendar', { name: calendar.name }, signal));
  const columns: Column<SpecialDay>[] = [
    { title: t('calendars.day'), render: (row) => formatDay(row.date, lang), head: true, nowrap: true },
    { title: t('calendars.days'), render: (row) => t(row.workday ? 'calendars.worked' : 'calendars.off') },
    { title: t('calendars.basis'), render: (row) => <span>{row.holiday}<small className="muted beneath">{row.basis}</small></span> },
  ];
  return (
    <Modal open title={title} footer={null} onCancel={onClose} width={640}>
      {error && <ErrorPanel error={error} onRetry={reload} loading={loading} />}
      <Table label={title} columns={columns} rows={data?.specialDays} rowKey={(row) => row.date} loading={loading} />
    </Modal>
  );
}
