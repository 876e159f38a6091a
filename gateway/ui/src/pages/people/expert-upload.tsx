import { Alert, Input, Modal } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { importFile } from '../../api/resumable';
import type { RowProblem } from '../../api/contract/common';
import type { ImportExpertsResponse } from '../../api/contract/draws';
import { ErrorPanel } from '../../components/error-panel';
import { Table, type Column } from '../../components/table';
import { outcomeOf } from '../../components/upload/outcome';
import { useAct } from '../../components/use-act';
import { useFocusBack } from '../../components/focus-back';
import { useI18n } from '../../i18n';
import { pathBelow } from '../../lib/names';

/** Columns of the table by their fields. */
const fields = {
  key: 'experts.key',
  real_name: 'experts.name',
  employer: 'experts.employer',
  specialties: 'experts.specialties',
  districts: 'experts.districts',
  interests: 'experts.interests',
} as const;

/** Uploads a table of experts and says what became of each row. */
export function ExpertUpload({ parent, onClose, onDone }: { parent: string; onClose: () => void; onDone: () => void }) {
  useFocusBack();
  const { t, lang } = useI18n();
  const [file, setFile] = useState<File | null>(null);
  const [reason, setReason] = useState('');
  const [done, setDone] = useState<ImportExpertsResponse | null>(null);
  const { busy, error, run, clear } = useAct();
  const fieldName = (field: string) => (field in fields ? t(fields[field as keyof typeof fields]) : field);
  const columns: Column<RowProblem>[] = [
    { title: t('import.line'), number: true, render: (row) => row.line },
    { title: t('import.field'), nowrap: true, render: (row) => fieldName(row.field) },
    { title: t('import.value'), render: (row) => <code>{row.value}</code> },
    { title: t('import.problem'), render: (row) => (lang === 'zh' ? row.message : row.messageEn) },
  ];
  const send = () =>
    run([file?.name, file?.size, reason], async () => {
      if (!file) return;
      setDone(await importFile('Experts.ImportExperts', { parent, reason: reason.trim() }, file, () => undefined, new AbortController().signal));
      onDone();
    });
  return (
    <Modal open width={760} title={t('experts.upload')} okText={t(done ? 'act.close' : 'experts.upload')} cancelText={t('act.cancel')} okButtonProps={{ disabled: !file && !done }} cancelButtonProps={{ hidden: done !== null }} confirmLoading={busy} onOk={done ? onClose : () => void send()} onCancel={onClose} mask={{ closable: false }}>
      <p className="muted">{t('experts.uploadLead')}</p>
      {!done && (
        <label className="map-field">
          <span>{t('experts.file')}</span>
          <input
            type="file"
            accept=".csv,.xlsx,text/csv"
            onChange={(event) => {
              setFile(event.target.files?.[0] ?? null);
              clear();
            }}
          />
          <span>{t('import.reasonLabel')}</span>
          <Input
            aria-label={t('import.reasonLabel')}
            value={reason}
            maxLength={500}
            status={error?.reason === 'REGISTER_GUARDED' ? 'error' : undefined}
            onChange={(event) => {
              setReason(event.target.value);
              clear();
            }}
          />
          <span className="muted">{t('experts.reasonHint')}</span>
        </label>
      )}
      {error && <ErrorPanel error={error} />}
      {done && (
        <>
          <Alert type={done.problems.length === 0 ? 'success' : outcomeOf(done) === 'nothing' ? 'error' : 'warning'} showIcon title={t('experts.uploaded', { rows: done.rows, created: done.created, updated: done.updated, unchanged: done.unchanged, returned: done.returned })} description={outcomeOf(done) === 'nothing' && t('import.nothingInTodo')} />
          {done.change && (
            <Alert
              className="page-note"
              type="warning"
              showIcon
              title={
                <>
                  {t('experts.uploadWaits')} <Link to={pathBelow('subjects/changes', done.change)}>{t('subjects.pendingLink')}</Link>
                </>
              }
            />
          )}
          {done.problems.length > 0 && <Table label={t('import.problems')} columns={columns} rows={done.problems} rowKey={(row) => `${row.line}/${row.field}/${row.reason}`} />}
        </>
      )}
    </Modal>
  );
}
