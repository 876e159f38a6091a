import { App, Button, Checkbox, DatePicker, Form, Input, InputNumber } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';
import { call, serverNow } from '../../api/client';
import type { Cap, CapState } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { FormModal } from '../../components/form-modal';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatDay, today } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe } from '../../session';

const states = ['CAP_STATE_DRAFT', 'CAP_STATE_PUBLISHED', 'CAP_STATE_REJECTED'] as const satisfies readonly CapState[];
const classes = ['*', 'A', 'B', 'C', 'D', 'UNCLASSIFIED'] as const;

/** Frequency caps (art. 17): how many planned visits a subject may get in a year. */
export default function Caps() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const [drafting, setDrafting] = useState(false);
  const [deciding, setDeciding] = useState<{ cap: Cap; act: 'publish' | 'reject' } | null>(null);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Caps.ListCaps', { parent, query: state.get('q'), state: states.find((one) => one === state.get('state')), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.caps, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${parent}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const said = (cap: Cap) => cap.limits.map((limit) => `${tEnum('caps.class.', limit.subjectClass)} ${limit.visits}`).join(lang === 'zh' ? '；' : '; ');
  const bounds = (cap: Cap) => t(cap.cityWide ? 'caps.cityWide' : 'caps.own');
  const mayDecide = (cap: Cap) => cap.state === 'CAP_STATE_DRAFT' && parent === me.organisation && me.roles.includes(cap.cityWide ? 'ROLE_COORDINATOR' : 'ROLE_REVIEWER');
  const columns: Column<Cap>[] = [
    {
      title: t('caps.year'),
      head: true,
      nowrap: true,
      render: (row) => (
        <span>
          {row.year}
          <small className="muted beneath">{bounds(row)}</small>
        </span>
      ),
      csv: (row) => String(row.year),
    },
    { title: t('caps.authority'), csvOnly: true, render: () => null, csv: bounds },
    { title: t('caps.limits'), render: said, csv: said },
    { title: t('caps.effective'), sort: 'effective_date', nowrap: true, render: (row) => formatDay(row.effectiveDate, lang), csv: (row) => row.effectiveDate },
    {
      title: t('caps.basis'),
      render: (row) => (
        <span>
          {row.basis}
          {row.rejectReason && <small className="muted beneath">{row.rejectReason}</small>}
        </span>
      ),
      csv: (row) => row.basis,
    },
    {
      title: t('field.state'),
      render: (row) => (
        <span className="row-acts">
          <StateTag prefix="caps.state." value={row.state} />
          {mayDecide(row) &&
            (row.creator === me.user.name ? (
              <span className="muted">{t('may.ownAct')}</span>
            ) : (
              <>
                <Button onClick={() => setDeciding({ cap: row, act: 'reject' })}>{t('caps.reject')}</Button>
                <Button type="primary" onClick={() => setDeciding({ cap: row, act: 'publish' })}>
                  {t('caps.publish')}
                </Button>
              </>
            ))}
        </span>
      ),
      csv: (row) => tEnum('caps.state.', row.state),
    },
  ];
  return (
    <>
      <PageHead title={t('caps.title')} lead={t('caps.lead')}>
        <Button href="/caps" target="_blank">
          {t('caps.public')}
        </Button>
        {me.may('Caps.CreateCap') ? (
          <Button type="primary" onClick={() => setDrafting(true)}>
            {t('caps.draft')}
          </Button>
        ) : (
          <MayNot method="Caps.CreateCap" what={t('caps.draft')} />
        )}
      </PageHead>
      <List
        label={t('caps.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="create_time desc"
        empty={t('caps.none')}
        csv={{ fileName: `caps-${lastPart(parent)}.csv`, page }}
        filters={
          <>
            <SearchBox state={state} placeholder={t('caps.search')} />
            <OrganisationFilter state={state} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('caps.state.', value) }))} width={130} />
          </>
        }
      />
      {drafting && <Draft onClose={() => setDrafting(false)} onDone={loaded.reload} />}
      {deciding && (
        <Confirm
          open
          title={t(deciding.act === 'publish' ? 'caps.publish' : 'caps.reject')}
          okText={t(deciding.act === 'publish' ? 'caps.publish' : 'caps.reject')}
          danger={deciding.act === 'reject'}
          reason={deciding.act === 'reject'}
          content={[deciding.cap.name, deciding.cap.etag]}
          onClose={() => setDeciding(null)}
          onReload={loaded.reload}
          act={async (requestId, reason) => {
            const { name, etag } = deciding.cap;
            if (deciding.act === 'publish') await call('Caps.PublishCap', { name, etag, requestId });
            else await call('Caps.RejectCap', { name, etag, reason, requestId });
            if (deciding.act === 'publish') void message.success(t('caps.published'));
            loaded.reload();
          }}
        >
          <p>{said(deciding.cap)}</p>
          {deciding.act === 'publish' && <p>{t('caps.publishLead', { day: formatDay(deciding.cap.effectiveDate, lang) })}</p>}
        </Confirm>
      )}
    </>
  );
}

interface Drafted {
  visits?: Partial<Record<(typeof classes)[number], number | null>>;
  effective: Dayjs;
  basis: string;
  cityWide?: boolean;
}

function Draft({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const [form] = Form.useForm<Drafted>();
  const { busy, error, run, clear } = useAct();
  const earliest = dayjs(today(serverNow()));
  const [coordinates, handles] = [me.roles.includes('ROLE_COORDINATOR'), me.roles.includes('ROLE_HANDLER')];
  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const limits = classes.flatMap((subjectClass) => {
      const visits = given.visits?.[subjectClass];
      return typeof visits === 'number' ? [{ subjectClass, visits }] : [];
    });
    if (limits.length === 0) {
      form.setFields([{ name: ['visits', '*'], errors: [t('caps.limitMissing')] }]);
      return;
    }
    const cap = { year: given.effective.year(), limits, basis: given.basis.trim(), effectiveDate: given.effective.format('YYYY-MM-DD'), cityWide: coordinates && (!handles || given.cityWide === true) };
    const done = await run(cap, async (requestId) => {
      await call('Caps.CreateCap', { parent: me.organisation, cap, requestId });
    });
    if (!done) return;
    void message.success(t('caps.drafted'));
    onDone();
    onClose();
  };
  return (
    <FormModal
      title={t('caps.draft')}
      okText={t('caps.draft')}
      form={form}
      name="cap"
      busy={busy}
      error={error}
      places={{ limits: ['visits', '*'], effective_date: 'effective', year: 'effective', basis: 'basis' }}
      initialValues={{ effective: earliest, cityWide: coordinates && !handles }}
      onValuesChange={clear}
      onClose={onClose}
      onSubmit={save}
      lead={<p>{t('caps.limitsHint')}</p>}
    >
      <div className="form-row">
        {classes.map((one) => (
          <Form.Item key={one} name={['visits', one]} label={tEnum('caps.class.', one)}>
            <InputNumber min={0} max={366} precision={0} className="wide" />
          </Form.Item>
        ))}
      </div>
      <Form.Item name="effective" label={t('caps.effective')} extra={t('caps.effectiveHint')} rules={[{ required: true, message: t('field.required') }]}>
        <DatePicker className="wide" format={lang === 'zh' ? 'YYYY年M月D日 (ddd)' : 'ddd, D MMM YYYY'} minDate={earliest} />
      </Form.Item>
      <Form.Item name="basis" label={t('caps.basis')} extra={t('caps.basisHint')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
        <Input.TextArea rows={2} maxLength={500} showCount />
      </Form.Item>
      {coordinates && (
        <Form.Item name="cityWide" valuePropName="checked">
          <Checkbox disabled={!handles}>{t('caps.cityWide')}</Checkbox>
        </Form.Item>
      )}
    </FormModal>
  );
}
