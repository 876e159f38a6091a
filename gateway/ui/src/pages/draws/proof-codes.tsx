import { PrinterOutlined } from '@ant-design/icons';
import { Button, Form, Modal, QRCode } from 'antd';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { call } from '../../api/client';
import type { ProofCode } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { ErrorPanel } from '../../components/error-panel';
import { List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { MayNot, PageHead, StateTag } from '../../components/page';
import { SubjectPicker } from '../../components/pickers';
import type { Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle } from '../../session';

/** Choosing the firm a code is for. */
function IssueCode({ draw, onClose, onIssued }: { draw: string; onClose: () => void; onIssued: (code: ProofCode) => void }) {
  const { t } = useI18n();
  const me = useMe();
  const [form] = Form.useForm<{ subject: string }>();
  const { busy, error, run } = useAct();
  const issue = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    await run(given, async () => {
      onIssued(await call('Proofs.IssueProofCode', { draw, subject: given.subject }));
    });
  };
  return (
    <Modal open title={t('proofs.issue')} okText={t('proofs.issue')} cancelText={t('act.cancel')} confirmLoading={busy} onOk={() => void issue()} onCancel={onClose} mask={{ closable: false }}>
      <p className="muted dialog-lead">{t('proofs.issueHint')}</p>
      <Form form={form} layout="vertical" name="proof-code">
        <Form.Item name="subject" label={t('proofs.subject')} rules={[{ required: true, message: t('field.required') }]}>
          <SubjectPicker parent={me.organisation} placeholder={t('recusals.visitHint')} />
        </Form.Item>
      </Form>
      {error && <ErrorPanel error={error} />}
    </Modal>
  );
}

/** The slip to be handed over. The code is on it alone; the square leads to the page that takes it, without the code. */
function Slip({ code, onDone }: { code: ProofCode; onDone: () => void }) {
  const { t, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const address = `${window.location.origin}${code.page}`;
  const number = code.page.split('/')[2] ?? '';
  return (
    <article className="slip">
      <h1>{t('proofs.slip')}</h1>
      <p className="slip-firm">
        {code.title}
        <br />
        <code>{code.subject}</code>
      </p>
      <p>{t('proofs.slipText', { number, organisation: titleOf(me.organisation) })}</p>
      <p className="slip-code" aria-label={t('proofs.code')}>
        {code.code}
      </p>
      <div className="slip-where">
        <span aria-hidden="true">
          <QRCode value={address} type="svg" size={148} bordered={false} />
        </span>
        <p>
          {t('proofs.slipWhere')}
          <br />
          <code>{address}</code>
        </p>
      </div>
      <p>{t('proofs.slipUntil', { until: formatTime(code.expireTime, lang) })}</p>
      <p className="page-acts">
        <Button type="primary" icon={<PrinterOutlined />} onClick={() => window.print()}>
          {t('proofs.print')}
        </Button>{' '}
        <Button onClick={onDone}>{t('proofs.handed')}</Button>
      </p>
    </article>
  );
}

/** One-time codes by which firms get their own line of a draw with its proof (art. 10). */
export default function ProofCodes() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { id = '' } = useParams();
  const draw = `draws/${id}`;
  const state = useListState();
  const [asking, setAsking] = useState(false);
  const [fresh, setFresh] = useState<ProofCode | null>(null);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Proofs.ListProofCodes', { parent: draw, query: state.get('q'), pageSize, pageToken }, signal);
    return { rows: answer.proofCodes, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  };
  const loaded = useLoad(`${draw}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const columns: Column<ProofCode>[] = [
    { title: t('proofs.number'), number: true, render: (row) => lastPart(row.name), csv: (row) => lastPart(row.name) },
    { title: t('visits.subject'), head: true, render: (row) => <span>{row.title}<small className="muted beneath">{row.subject}</small></span>, csv: (row) => row.title },
    { title: t('subjects.key'), csvOnly: true, render: () => null, csv: (row) => row.subject },
    { title: t('field.state'), render: (row) => <StateTag prefix="proofs.state." value={row.state} />, csv: (row) => tEnum('proofs.state.', row.state) },
    { title: t('proofs.issued'), render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
    { title: t('proofs.expires'), render: (row) => formatTime(row.expireTime, lang), csv: (row) => row.expireTime ?? '' },
    { title: t('proofs.used'), render: (row) => (row.useTime ? formatTime(row.useTime, lang) : t('field.none')), csv: (row) => row.useTime ?? '' },
  ];
  if (fresh) {
    const done = () => {
      setFresh(null);
      loaded.reload();
    };
    return <Slip code={fresh} onDone={done} />;
  }
  return (
    <>
      <PageHead title={`${t('proofs.title')} ${id}`} lead={t('proofs.lead')}>
        <Link to={`/draws/${id}`}>{t('proofs.back')}</Link>
        {me.may('Proofs.IssueProofCode') ? (
          <Button type="primary" onClick={() => setAsking(true)}>
            {t('proofs.issue')}
          </Button>
        ) : (
          <MayNot method="Proofs.IssueProofCode" />
        )}
      </PageHead>
      <List
        label={t('proofs.title')}
        state={state}
        loaded={loaded}
        columns={columns}
        rowKey={(row) => row.name}
        empty={t('proofs.none')}
        csv={{ fileName: `proof-codes-${id}.csv`, page }}
        filters={<SearchBox state={state} placeholder={t('subjects.search')} width={320} />}
      />
      {asking && (
        <IssueCode
          draw={draw}
          onClose={() => setAsking(false)}
          onIssued={(code) => {
            setAsking(false);
            setFresh(code);
          }}
        />
      )}
    </>
  );
}
