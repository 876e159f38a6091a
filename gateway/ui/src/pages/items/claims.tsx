import { SendOutlined } from '@ant-design/icons';
import { Alert, App, Button, Form, Input, Radio, Select } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { Claim, ClaimItemsResponse, ClaimState, ItemLevel } from '../../api/contract/catalog';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { DueDay } from '../../components/due-day';
import { FormModal } from '../../components/form-modal';
import { LinkButton } from '../../components/link-button';
import { FilterSelect, List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { MayNot, PageHead, StateTag } from '../../components/page';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { pathBelow } from '../../lib/names';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';
import { readIssued } from './issued';

const states: readonly ClaimState[] = ['CLAIM_STATE_TO_CLAIM', 'CLAIM_STATE_DECLINED', 'CLAIM_STATE_ORDERED', 'CLAIM_STATE_CLAIMED', 'CLAIM_STATE_WITHDRAWN'];
const levels: readonly ItemLevel[] = ['ITEM_LEVEL_STATE', 'ITEM_LEVEL_PROVINCE', 'ITEM_LEVEL_CITY'];
/** As many as one act may have. */
const chosenMax = 200;

/** Items from above: what the department is asked to claim, and what the coordinator rules on (art. 6, 41). */
export default function Claims() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { message } = App.useApp();
  const state = useListState();
  const coordinates = me.may('Claims.IssueItems');
  const parent = coordinates || me.cityWide ? 'organisations/-' : me.organisation;
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const [claiming, setClaiming] = useState(false);
  const [answer, setAnswer] = useState<ClaimItemsResponse | null>(null);
  const [declined, setDeclined] = useState<Claim | null>(null);
  const [ruled, setRuled] = useState<Claim | null>(null);
  const [issuing, setIssuing] = useState(false);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const found = await call('Claims.ListClaims', { parent, query: state.get('q'), state: states.find((one) => one === state.get('state')), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: found.claims, nextPageToken: found.nextPageToken, total: Number(found.totalSize) };
  };
  const loaded = useLoad(state.key, (signal) => page(state.pageToken, state.pageSize, signal));
  const organisationOf = (row: Claim) => titleOf(row.name.split('/claims/')[0] ?? '');
  const mine = (row: Claim) => row.name.startsWith(`${me.organisation}/`);
  const open = (row: Claim) => row.state === 'CLAIM_STATE_TO_CLAIM' || row.state === 'CLAIM_STATE_ORDERED';
  const handles = me.may('Claims.ClaimItems');
  const called = (row: Claim) => `${row.item?.title ?? ''}${row.item?.subTitle ? `·${row.item.subTitle}` : ''}`;

  const columns: Column<Claim>[] = [
    { title: t('items.code'), sort: 'code', nowrap: true, render: (row) => row.item?.code, csv: (row) => row.item?.code ?? '' },
    {
      title: t('items.name'),
      sort: 'title',
      head: true,
      render: (row) => (
        <span>
          {row.madeItem && mine(row) ? <Link to={pathBelow('items', row.madeItem)}>{called(row)}</Link> : called(row)}
          {row.renewal && <small className="muted beneath">{t('claims.renewal')}</small>}
          {row.declineReason && <small className="muted beneath">{t('claims.declinedFor', { reason: row.declineReason })}</small>}
          {row.rulingReason && <small className="muted beneath">{t('claims.ruledFor', { reason: row.rulingReason })}</small>}
        </span>
      ),
      csv: called,
    },
    { title: t('claims.level'), nowrap: true, render: (row) => tEnum('claims.level.', row.level ?? ''), csv: (row) => tEnum('claims.level.', row.level ?? '') },
    { title: t('field.organisation'), render: organisationOf, csv: organisationOf },
    { title: t('clocks.due'), nowrap: true, render: (row) => row.dueDate && <DueDay day={row.dueDate} />, csv: (row) => row.dueDate },
    { title: t('field.state'), render: (row) => <StateTag prefix="claims.state." value={row.state} />, csv: (row) => tEnum('claims.state.', row.state) },
    { title: t('claims.issueTime'), sort: 'issue_time', render: (row) => formatTime(row.issueTime, lang), csv: (row) => row.issueTime ?? '' },
    ...(handles || coordinates
      ? [
          {
            title: t('users.act'),
            render: (row: Claim) => (
              <span className="row-acts">
                {handles && mine(row) && row.state === 'CLAIM_STATE_TO_CLAIM' && (
                  <Button size="small" onClick={() => setDeclined(row)} aria-label={`${t('claims.decline')} ${called(row)}`}>
                    {t('claims.decline')}
                  </Button>
                )}
                {coordinates && row.state === 'CLAIM_STATE_DECLINED' && (
                  <Button size="small" type="primary" onClick={() => setRuled(row)} aria-label={`${t('claims.rule')} ${called(row)}`}>
                    {t('claims.rule')}
                  </Button>
                )}
              </span>
            ),
          },
        ]
      : []),
  ];

  return (
    <>
      <PageHead title={t('claims.title')} lead={t('claims.lead')}>
        <LinkButton to="/items">{t('items.title')}</LinkButton>
        {coordinates && (
          <Button type="primary" icon={<SendOutlined />} onClick={() => setIssuing(true)}>
            {t('claims.issue')}
          </Button>
        )}
        {handles ? (
          <Button type="primary" disabled={chosen.size === 0} onClick={() => setClaiming(true)}>
            {t('claims.claim', { n: chosen.size })}
          </Button>
        ) : (
          !coordinates && <MayNot method="Claims.ClaimItems" what={t('claims.claimVerb')} />
        )}
      </PageHead>
      {answer && <Outcome answer={answer} onClose={() => setAnswer(null)} />}
      <List
        label={t('claims.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        standard="issue_time desc"
        empty={t('claims.none')}
        csv={{ fileName: 'claims.csv', page }}
        selection={handles ? { chosen, onChange: setChosen, can: (row) => mine(row) && open(row) && (chosen.has(row.name) || chosen.size < chosenMax), name: called } : undefined}
        filters={
          <>
            <SearchBox state={state} placeholder={t('items.search')} />
            <FilterSelect state={state} name="state" label={t('field.state')} options={states.map((value) => ({ value, label: tEnum('claims.state.', value) }))} width={150} />
          </>
        }
      />
      <Confirm
        open={claiming}
        title={t('claims.claim', { n: chosen.size })}
        okText={t('claims.claimVerb')}
        content={[...chosen]}
        onClose={() => setClaiming(false)}
        act={async (requestId) => {
          setAnswer(await call('Claims.ClaimItems', { parent: me.organisation, names: [...chosen], requestId }));
          setChosen(new Set());
          loaded.reload();
        }}
      >
        <p>{t('claims.claimAsk', { n: chosen.size })}</p>
      </Confirm>
      <Confirm
        open={declined !== null}
        title={`${t('claims.decline')} ${declined ? called(declined) : ''}`}
        okText={t('claims.decline')}
        content={[declined?.name, declined?.etag]}
        reason
        onClose={() => setDeclined(null)}
        onReload={loaded.reload}
        act={async (requestId, reason) => {
          await call('Claims.DeclineClaim', { name: declined?.name ?? '', etag: declined?.etag ?? '', reason, requestId });
          void message.success(t('claims.declined'));
          loaded.reload();
        }}
      >
        <p>{t('claims.declineAsk')}</p>
      </Confirm>
      {ruled && (
        <Rule
          claim={ruled}
          title={called(ruled)}
          onClose={() => setRuled(null)}
          onDone={() => {
            setRuled(null);
            void message.success(t('claims.ruled'));
            loaded.reload();
          }}
          onReload={loaded.reload}
        />
      )}
      {issuing && (
        <Issue
          onClose={() => setIssuing(false)}
          onDone={(issued) => {
            setIssuing(false);
            void message.success(t('claims.issued', { n: issued }));
            loaded.reload();
          }}
        />
      )}
    </>
  );
}

/** What became of each claim. */
function Outcome({ answer, onClose }: { answer: ClaimItemsResponse; onClose: () => void }) {
  const { t } = useI18n();
  const refused = answer.results.filter((one) => one.reason !== '');
  return (
    <Alert
      type={refused.length > 0 ? 'warning' : 'success'}
      showIcon
      closable={{ onClose }}
      title={t('claims.outcome', { claimed: answer.claimed, refused: refused.length })}
      description={
        refused.length > 0 && (
          <ul>
            {refused.map((one) => (
              <li key={one.name}>{one.message}</li>
            ))}
          </ul>
        )
      }
    />
  );
}

interface Ruling {
  ordered: boolean;
  instead?: string;
  reason: string;
}

/** The coordinator's ruling on what a department declined. */
function Rule({ claim, title, onClose, onDone, onReload }: { claim: Claim; title: string; onClose: () => void; onDone: () => void; onReload: () => void }) {
  const { t } = useI18n();
  const titleOf = useOrganisationTitle();
  const { organisations } = useSessionState();
  const [form] = Form.useForm<Ruling>();
  const ordered = Form.useWatch('ordered', form) ?? true;
  const { busy, error, run, clear } = useAct();
  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const request = { name: claim.name, etag: claim.etag, ordered: given.ordered, instead: given.ordered ? '' : (given.instead ?? ''), reason: given.reason.trim() };
    await run(request, async (requestId) => {
      await call('Claims.RuleOnClaim', { ...request, requestId });
      onDone();
    });
  };
  return (
    <FormModal<Ruling> title={`${t('claims.rule')} ${title}`} okText={t('claims.rule')} form={form} name="rule" busy={busy} error={error} places={{ instead: 'instead', CLAIM_OPEN: 'instead' }} lead={<p>{t('claims.declinedFor', { reason: claim.declineReason })}</p>} initialValues={{ ordered: true }} onValuesChange={clear} onClose={onClose} onReload={onReload} onSubmit={save}>
      <Form.Item name="ordered" label={t('claims.ruling')}>
        <Radio.Group
          options={[
            { value: true, label: t('claims.order') },
            { value: false, label: t('claims.withdraw') },
          ]}
        />
      </Form.Item>
      {!ordered && (
        <Form.Item name="instead" label={t('claims.instead')} extra={t('claims.insteadHint')}>
          <Select allowClear options={organisations.map((one) => ({ value: one.name, label: titleOf(one.name) }))} showSearch={{ optionFilterProp: 'label' }} />
        </Form.Item>
      )}
      <Form.Item name="reason" label={t('field.reason')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
        <Input.TextArea rows={2} maxLength={500} showCount />
      </Form.Item>
    </FormModal>
  );
}

interface Issued {
  level: ItemLevel;
  organisations: string[];
  items: string;
}

/** Hands items down: lines pasted from the superior's list, and the departments that shall claim them. */
function Issue({ onClose, onDone }: { onClose: () => void; onDone: (issued: number) => void }) {
  const { t, tEnum } = useI18n();
  const titleOf = useOrganisationTitle();
  const { organisations } = useSessionState();
  const [form] = Form.useForm<Issued>();
  const { busy, error, run, clear } = useAct();
  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const request = { items: readIssued(given.items).items, organisations: given.organisations, level: given.level };
    await run(request, async (requestId) => onDone((await call('Claims.IssueItems', { ...request, requestId })).issued));
  };
  return (
    <FormModal<Issued> title={t('claims.issue')} okText={t('claims.issue')} form={form} name="issue" width={720} busy={busy} error={error} places={{ organisations: 'organisations', CLAIM_OPEN: 'organisations', level: 'level', items: 'items', TOO_LARGE: 'items' }} lead={<p>{t('claims.issueLead')}</p>} initialValues={{ level: 'ITEM_LEVEL_PROVINCE', organisations: [] }} onValuesChange={clear} onClose={onClose} onSubmit={save}>
      <Form.Item name="level" label={t('claims.level')}>
        <Radio.Group options={levels.map((value) => ({ value, label: tEnum('claims.level.', value) }))} />
      </Form.Item>
      <Form.Item name="organisations" label={t('claims.organisations')} rules={[{ required: true, type: 'array', min: 1, max: 100, message: t('field.required') }]}>
        <Select mode="multiple" options={organisations.map((one) => ({ value: one.name, label: titleOf(one.name) }))} showSearch={{ optionFilterProp: 'label' }} />
      </Form.Item>
      <Form.Item
        name="items"
        label={t('claims.items')}
        extra={t('claims.itemsHint')}
        rules={[
          {
            validator: (_, text: string | undefined) => {
              const read = readIssued(text ?? '');
              if (read.items.length === 0) return Promise.reject(new Error(t('field.required')));
              if (read.wrong.length > 0) return Promise.reject(new Error(t('claims.itemsWrong', { lines: read.wrong.slice(0, 5).join('、') })));
              return read.items.length > chosenMax ? Promise.reject(new Error(t('claims.itemsMany', { n: chosenMax }))) : Promise.resolve();
            },
          },
        ]}
      >
        <Input.TextArea rows={8} spellCheck={false} />
      </Form.Item>
    </FormModal>
  );
}
