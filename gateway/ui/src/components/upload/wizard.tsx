import { App, Button, Progress, Steps } from 'antd';
import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { Import } from '../../api/contract/common';
import { useI18n } from '../../i18n';
import { headBytesMax, readHead, type Head } from '../../lib/csv';
import { isArchive, readXlsxHead } from '../../lib/xlsx';
import { guessColumns, toColumnParams } from '../../lib/columns';
import { beginTransfer, forgetTransfer, goesOn, onTransfers, transferOf, type TransferKind } from '../../lib/transfers';
import { ErrorPanel } from '../error-panel';
import { Section } from '../page';
import { ColumnMap, FileDrop, Sample } from './file';
import { importStateText, outcomeOf } from './outcome';
import { ImportReport } from './report';

interface Props {
  /** What is uploaded; an upload goes on while the page is left, and is found here again. */
  kind: TransferKind;
  /** Fields of the table with their usual headers. */
  fields: Record<string, readonly string[]>;
  /** Fields without which nothing can be read. */
  needed: readonly string[];
  /** Further settings, below the columns; told which fields are mapped. */
  options?: (mapped: Record<string, string | undefined>) => ReactNode;
  /** What is still wrong with the settings; null when they suffice. */
  check?: (mapped: Record<string, string | undefined>) => string | null;
  send: (file: File, head: Head, columns: string[], onProgress: (sent: number, total: number) => void, signal: AbortSignal) => Promise<Import>;
  /** An import that runs, by the file's name; null when unknown. */
  soFar?: (fileName: string, signal: AbortSignal) => Promise<Import | null>;
  reportUrl: (done: Import) => string;
  /** Links below the report. */
  after: ReactNode;
}

type Step = 'file' | 'map' | 'upload' | 'report';
const steps: readonly Step[] = ['file', 'map', 'upload', 'report'];

export function formatBytes(n: number): string {
  if (n < 1024) return `${n} B`;
  const [value, unit] = n < 1024 * 1024 ? [n / 1024, 'KiB'] : n < 1024 ** 3 ? [n / 1024 ** 2, 'MiB'] : [n / 1024 ** 3, 'GiB'];
  return `${value.toFixed(1)} ${unit}`;
}

const n = (text: string) => Number(text).toLocaleString('en');

/** Choose a file, check its columns, upload it with progress, read the report. */
export function UploadWizard({ kind, fields, needed, options, check, send, soFar, reportUrl, after }: Props) {
  const { t } = useI18n();
  const { message } = App.useApp();
  const transfer = useSyncExternalStore(onTransfers, () => transferOf(kind));
  const [chosenStep, setStep] = useState<'file' | 'map'>('file');
  const [file, setFile] = useState<File | null>(null);
  const [head, setHead] = useState<Head | null>(null);
  const [unreadable, setUnreadable] = useState(false);
  const [mapped, setMapped] = useState<Record<string, string | undefined>>({});
  const [tried, setTried] = useState(false);
  const [rows, setRows] = useState<Import | null>(null);
  const step: Step = transfer?.done ? 'report' : transfer ? 'upload' : chosenStep;
  const report = transfer?.done ?? null;
  const arrived = goesOn(transfer) && transfer.sent >= transfer.total;
  const fileName = transfer?.fileName ?? '';

  useEffect(() => {
    if (!arrived || !soFar) return undefined;
    const ending = new AbortController();
    let waiting: ReturnType<typeof setTimeout>;
    const look = async () => {
      const found = await soFar(fileName, ending.signal).catch(() => null);
      if (ending.signal.aborted) return;
      if (found) setRows(found);
      waiting = setTimeout(() => void look(), 1000);
    };
    void look();
    return () => {
      ending.abort();
      clearTimeout(waiting);
    };
    // `soFar` is made anew with every rendering and asks the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [arrived, fileName]);

  const choose = async (chosen: File) => {
    const whole = chosen.size <= headBytesMax;
    const bytes = new Uint8Array(await chosen.slice(0, headBytesMax).arrayBuffer());
    const found = isArchive(bytes) ? await readXlsxHead(chosen) : bytes.length > 0 ? readHead(bytes, whole) : null;
    setUnreadable(!found);
    if (!found) return;
    setFile(chosen);
    setHead(found);
    setMapped(guessColumns(found.header, fields));
    setTried(false);
    setStep('map');
  };

  const used = Object.values(mapped).filter(Boolean);
  const problem = needed.some((field) => !mapped[field]) ? t('field.required') : new Set(used).size < used.length ? t('import.twice') : (check?.(mapped) ?? null);

  const start = () => {
    setTried(true);
    if (problem || !file || !head) return;
    setRows(null);
    beginTransfer(kind, file.name, file.size, async (onProgress, signal) => {
      const done = await send(file, head, toColumnParams(mapped), onProgress, signal);
      if (done.state === 'IMPORT_STATE_FINISHED' && outcomeOf(done) === 'nothing') void message.error(t('import.nothingIn', { n: n(done.rows) }));
      else void message.success(t(importStateText(done)));
      return done;
    });
  };

  const restart = () => {
    forgetTransfer(kind);
    setStep('file');
    setFile(null);
    setHead(null);
  };

  const percent = transfer ? Math.floor((transfer.sent / Math.max(1, transfer.total)) * 100) : 0;
  return (
    <>
      <Steps className="steps" size="small" responsive={false} current={steps.indexOf(step)} titlePlacement="vertical" items={steps.map((one) => ({ title: t(`import.step.${one}`) }))} />
      {step === 'file' && (
        <Section>
          <FileDrop onFile={(chosen) => void choose(chosen)} />
          {unreadable && (
            <p role="alert" className="due-over error-panel">
              {t('import.unreadable')}
            </p>
          )}
        </Section>
      )}
      {step === 'map' && file && head && (
        <>
          <Section title={t('import.firstRows')} lead={`${file.name} · ${formatBytes(file.size)} · ${head.encoding}`}>
            <Sample head={head} />
          </Section>
          <Section title={t('import.mapTitle')} lead={t('import.mapHint')}>
            <ColumnMap header={head.header} fields={Object.keys(fields)} needed={needed} mapped={mapped} onChange={setMapped} tried={tried} />
            {options?.(mapped)}
            {tried && problem && (
              <p role="alert" className="due-over">
                {problem}
              </p>
            )}
            <div className="form-acts">
              <Button onClick={restart}>{t('act.previous')}</Button>
              <Button type="primary" onClick={start}>
                {t('import.start')}
              </Button>
            </div>
          </Section>
        </>
      )}
      {step === 'upload' && transfer && (
        <Section title={transfer.fileName}>
          {goesOn(transfer) && (
            <>
              <Progress percent={percent} status="normal" aria-label={t('import.step.upload')} />
              <p role="status">
                {!arrived
                  ? t('import.sending', { sent: formatBytes(transfer.sent), total: formatBytes(transfer.total) })
                  : rows === null
                    ? t('import.reading')
                    : t('import.soFar', { rows: n(rows.rows), created: n(rows.created), updated: n(rows.updated), unchanged: n(rows.unchanged), returned: n(rows.returned) })}
              </p>
              <p className="muted">{t(arrived ? 'import.mayLeaveArrived' : 'import.mayLeave')}</p>
              <div className="form-acts">
                <Button danger onClick={transfer.stop}>
                  {t('import.stop')}
                </Button>
              </div>
            </>
          )}
          {transfer.stopped && <p role="alert">{t('import.stopped')}</p>}
          {transfer.error && <ErrorPanel error={transfer.error} />}
          {(transfer.error || transfer.stopped) && (
            <div className="form-acts">
              <Button onClick={() => forgetTransfer(kind)}>{t('act.previous')}</Button>
              <Button
                type="primary"
                onClick={() => {
                  setRows(null);
                  transfer.again();
                }}
              >
                {t('import.again')}
              </Button>
            </div>
          )}
        </Section>
      )}
      {step === 'report' && report && (
        <>
          <ImportReport report={report} reportUrl={reportUrl(report)} />
          <div className="form-acts">
            {after}
            <Button onClick={restart}>{t('import.another')}</Button>
          </div>
        </>
      )}
    </>
  );
}
