import { App, Button, Progress, Steps } from 'antd';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Import } from '../../api/contract/common';
import { isAbort, toApiError, type ApiError } from '../../api/errors';
import { useI18n } from '../../i18n';
import { headBytesMax, readHead, type Head } from '../../lib/csv';
import { isArchive, readXlsxHead } from '../../lib/xlsx';
import { guessColumns, toColumnParams } from '../../lib/columns';
import { ErrorPanel } from '../error-panel';
import { Section } from '../page';
import { ColumnMap, FileDrop, Sample } from './file';
import { ImportReport } from './report';

interface Props {
  /** Fields of the table with their usual headers. */
  fields: Record<string, readonly string[]>;
  /** Fields without which nothing can be read. */
  needed: readonly string[];
  /** Further settings, below the columns; told which fields are mapped. */
  options?: (mapped: Record<string, string | undefined>) => ReactNode;
  /** What is still wrong with the settings; null when they suffice. */
  check?: (mapped: Record<string, string | undefined>) => string | null;
  send: (file: File, head: Head, columns: string[], onProgress: (sent: number, total: number) => void, signal: AbortSignal) => Promise<Import>;
  /** Rows read so far of an import that runs, by the file's name; null when unknown. */
  rowsSoFar?: (fileName: string, signal: AbortSignal) => Promise<number | null>;
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

/** Choose a file, check its columns, upload it with progress, read the report. */
export function UploadWizard({ fields, needed, options, check, send, rowsSoFar, reportUrl, after }: Props) {
  const { t } = useI18n();
  const { message } = App.useApp();
  const [step, setStep] = useState<Step>('file');
  const [file, setFile] = useState<File | null>(null);
  const [head, setHead] = useState<Head | null>(null);
  const [unreadable, setUnreadable] = useState(false);
  const [mapped, setMapped] = useState<Record<string, string | undefined>>({});
  const [tried, setTried] = useState(false);
  const [sent, setSent] = useState({ bytes: 0, total: 1 });
  const [rows, setRows] = useState<number | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [stopped, setStopped] = useState(false);
  const [report, setReport] = useState<Import | null>(null);
  const running = useRef<AbortController | null>(null);

  useEffect(() => () => running.current?.abort(), []);

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

  const start = async () => {
    setTried(true);
    if (problem || !file || !head) return;
    const ending = new AbortController();
    running.current = ending;
    setStep('upload');
    setError(null);
    setStopped(false);
    setRows(null);
    setSent({ bytes: 0, total: file.size });
    let arrived = false;
    const watch = async () => {
      while (!ending.signal.aborted && rowsSoFar) {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        if (ending.signal.aborted || report) return;
        if (arrived) setRows(await rowsSoFar(file.name, ending.signal).catch(() => null));
      }
    };
    void watch();
    try {
      const done = await send(
        file,
        head,
        toColumnParams(mapped),
        (bytes, total) => {
          arrived = bytes >= total;
          setSent({ bytes, total });
        },
        ending.signal,
      );
      setReport(done);
      setStep('report');
      void message.success(t('import.state.IMPORT_STATE_FINISHED'));
    } catch (thrown) {
      if (isAbort(thrown)) setStopped(true);
      else setError(toApiError(thrown));
    } finally {
      ending.abort();
    }
  };

  const restart = () => {
    setStep('file');
    setFile(null);
    setHead(null);
    setReport(null);
    setError(null);
  };

  const percent = Math.floor((sent.bytes / Math.max(1, sent.total)) * 100);
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
              <Button type="primary" onClick={() => void start()}>
                {t('import.start')}
              </Button>
            </div>
          </Section>
        </>
      )}
      {step === 'upload' && file && (
        <Section title={file.name}>
          {!error && !stopped && (
            <>
              <Progress percent={percent} status="normal" aria-label={t('import.step.upload')} />
              <p role="status">
                {percent < 100
                  ? t('import.sending', { sent: formatBytes(sent.bytes), total: formatBytes(sent.total) })
                  : rows === null
                    ? t('import.reading')
                    : t('import.readingRows', { n: rows.toLocaleString('en') })}
              </p>
              <div className="form-acts">
                <Button danger onClick={() => running.current?.abort()}>
                  {t('import.stop')}
                </Button>
              </div>
            </>
          )}
          {stopped && <p role="alert">{t('import.stopped')}</p>}
          {error && <ErrorPanel error={error} />}
          {(error || stopped) && (
            <div className="form-acts">
              <Button onClick={() => setStep('map')}>{t('act.previous')}</Button>
              <Button type="primary" onClick={() => void start()}>
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
