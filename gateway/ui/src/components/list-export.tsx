import { DownloadOutlined } from '@ant-design/icons';
import { App, Button, Progress } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { isAbort, toApiError } from '../api/errors';
import { exportRows, type Page } from '../api/pages';
import { useI18n } from '../i18n';
import { csvRows, saveParts } from '../lib/csv';
import type { Column } from './table';

/** How many rows a list exports at most: as many as the greatest register has. */
export const exportRowsMax = 1_000_000;
/** Rows fetched at once for an export: as many as a page may have. */
const exportPageRows = 1000;

export interface Csv<Row> {
  fileName: string;
  /** Any page by the filter and the order that show. */
  page: (pageToken: string, pageSize: number, signal?: AbortSignal) => Promise<Page<Row>>;
}

/** Saves all rows that the filter finds, in their order, page after page, and says how far it is. */
export function ExportButton<Row>({ columns, csv, total }: { columns: readonly Column<Row>[]; csv: Csv<Row>; total?: number }) {
  const { t, lang } = useI18n();
  const { message } = App.useApp();
  const [done, setDone] = useState<number | null>(null);
  const ending = useRef<AbortController | null>(null);
  useEffect(() => () => ending.current?.abort(), []);

  const save = async () => {
    const stop = new AbortController();
    ending.current = stop;
    setDone(0);
    try {
      const written = columns.filter((column) => column.csv);
      const parts = [csvRows([written.map((column) => column.title)], true)];
      const more = await exportRows(
        (token) => csv.page(token, exportPageRows, stop.signal),
        exportRowsMax,
        (rows, sofar) => {
          parts.push(csvRows(rows.map((row) => written.map((column) => column.csv?.(row) ?? ''))));
          setDone(sofar);
        },
        stop.signal,
      );
      saveParts(csv.fileName, parts);
      if (more) void message.warning(t('list.exportCut', { n: exportRowsMax.toLocaleString('en') }));
    } catch (thrown) {
      if (!isAbort(thrown)) {
        const refused = toApiError(thrown);
        void message.error(lang === 'zh' ? refused.messageZh : refused.messageEn);
      }
    } finally {
      ending.current = null;
      setDone(null);
    }
  };

  if (done === null) {
    return (
      <Button icon={<DownloadOutlined />} title={t('list.exportEdge')} onClick={() => void save()}>
        {t('act.export')}
      </Button>
    );
  }
  return (
    <span className="exporting">
      <span role="status">{t('list.exported', { n: done.toLocaleString('en') })}</span>
      {total !== undefined && total > 0 && <Progress className="exporting-bar" aria-label={t('act.exporting')} percent={Math.min(99, Math.floor((done / total) * 100))} size="small" />}
      <Button onClick={() => ending.current?.abort()}>{t('act.cancel')}</Button>
    </span>
  );
}
