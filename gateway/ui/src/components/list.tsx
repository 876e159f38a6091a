import { DownloadOutlined, LeftOutlined, ReloadOutlined, RightOutlined, SearchOutlined } from '@ant-design/icons';
import { App, Button, Input, Select } from 'antd';
import { useEffect, useState, type ReactNode } from 'react';
import type { Loaded } from '../api/use-load';
import { allRows, type Page } from '../api/pages';
import { isAbort, toApiError } from '../api/errors';
import { useI18n } from '../i18n';
import { saveText, toCsv } from '../lib/csv';
import { ErrorPanel } from './error-panel';
import { pageSizes, type ListState } from './list-state';
import { Table, type Column } from './table';

/** How many rows a list exports at most. */
export const exportRowsMax = 10_000;
/** Counts are exact up to here; the services stop counting one above. */
const countedMax = 100_000;

export interface ListPage<Row> extends Page<Row> {
  /** How many match in all, where the service counts. */
  total?: number;
}

/** A search box that asks when Enter is pressed or the button is used, never at every letter. */
export function SearchBox({ state, name = 'q', placeholder, width = 280 }: { state: ListState; name?: string; placeholder: string; width?: number }) {
  const { t } = useI18n();
  const given = state.get(name);
  const [text, setText] = useState(given);
  useEffect(() => setText(given), [given]);
  return (
    <Input.Search
      className="filter-search"
      style={{ maxWidth: width }}
      value={text}
      allowClear
      aria-label={placeholder}
      placeholder={placeholder}
      enterButton={<Button icon={<SearchOutlined />} aria-label={t('act.search')} />}
      onChange={(event) => {
        setText(event.target.value);
        if (event.target.value === '') state.set({ [name]: '' });
      }}
      onSearch={(value) => state.set({ [name]: value.trim() })}
    />
  );
}

/** A filter with a few values; `all` says what unset means, if not everything. */
export function FilterSelect({ state, name, label, options, width = 168, all }: { state: ListState; name: string; label: string; options: readonly { value: string; label: string }[]; width?: number; all?: string }) {
  const { t } = useI18n();
  return (
    <label className="filter">
      <span>{label}</span>
      <Select
        style={{ width }}
        aria-label={label}
        value={state.get(name)}
        options={[{ value: '', label: all ?? t('list.all') }, ...options]}
        onChange={(value: string) => state.set({ [name]: value })}
        showSearch={options.length > 8 ? { optionFilterProp: 'label' } : false}
      />
    </label>
  );
}

interface Props<Row> {
  label: string;
  state: ListState;
  loaded: Omit<Loaded<ListPage<Row>>, 'set'>;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  /** Filters, left of the count. */
  filters?: ReactNode;
  /** What can be done with the rows, in a line of its own above them. */
  acts?: ReactNode;
  /** What is said when nothing is there at all. */
  empty?: ReactNode;
  selection?: Parameters<typeof Table<Row>>[0]['selection'];
  /** File name and a way to fetch any page, for the export; none: no export here. */
  csv?: { fileName: string; page: (pageToken: string, pageSize: number) => Promise<Page<Row>> };
  /** Address of the service's own export, used instead. */
  exportUrl?: string;
}

/** A list as every page has it: filters in the address, count, table, pages, export. */
export function List<Row>({ label, state, loaded, columns, rowKey, filters, acts, empty, selection, csv, exportUrl }: Props<Row>) {
  const { t } = useI18n();
  const { data, error, loading, reload } = loaded;
  const total = data?.total;
  const end = (
    <span className="filters-end">
      <span className="muted" role="status">
        {total !== undefined && !error && (total > countedMax ? t('list.totalMore', { n: countedMax.toLocaleString('en') }) : t('list.total', { n: total.toLocaleString('en') }))}
      </span>
      <Button icon={<ReloadOutlined />} aria-label={t('act.reload')} title={t('act.reload')} onClick={reload} />
      {exportUrl && (
        <Button icon={<DownloadOutlined />} href={exportUrl} download>
          {t('act.export')}
        </Button>
      )}
      {csv && !exportUrl && <ExportButton columns={columns} csv={csv} />}
    </span>
  );
  return (
    <section className="section list" aria-label={label}>
      <div className="filters">
        {filters}
        {state.filtered && <Button onClick={state.clear}>{t('act.reset')}</Button>}
        {!acts && end}
      </div>
      {acts && (
        <div className="list-acts">
          {acts}
          {end}
        </div>
      )}
      {error ? (
        <ErrorPanel error={error} onRetry={reload} loading />
      ) : (
        <Table label={label} columns={columns} rows={data?.rows} rowKey={rowKey} loading={loading} empty={state.filtered ? t('list.empty') : empty} selection={selection} />
      )}
      {error?.reason === 'PAGE_TOKEN' && <Button onClick={state.first}>{t('list.first')}</Button>}
      {data && !error && (data.rows.length > 0 || state.pageToken !== '') && <Pager state={state} nextPageToken={data.nextPageToken} loading={loading} />}
    </section>
  );
}

function Pager({ state, nextPageToken, loading }: { state: ListState; nextPageToken: string; loading: boolean }) {
  const { t } = useI18n();
  return (
    <nav className="pager" aria-label={t('list.pagesLabel')}>
      {state.pageToken !== '' && <Button onClick={state.first}>{t('list.first')}</Button>}
      <Button icon={<LeftOutlined />} disabled={!state.previous || loading} onClick={() => state.previous?.()}>
        {t('list.previous')}
      </Button>
      {state.pageNumber > 0 && <span>{t('list.page', { n: state.pageNumber })}</span>}
      <Button icon={<RightOutlined />} iconPlacement="end" disabled={nextPageToken === '' || loading} onClick={() => state.next(nextPageToken)}>
        {t('list.next')}
      </Button>
      <Select
        className="pager-size"
        aria-label={t('list.perPageLabel')}
        value={state.pageSize}
        options={pageSizes.map((n) => ({ value: n, label: t('list.perPage', { n }) }))}
        onChange={(size: number) => state.set({ size: String(size) })}
      />
    </nav>
  );
}

function ExportButton<Row>({ columns, csv }: { columns: readonly Column<Row>[]; csv: NonNullable<Props<Row>['csv']> }) {
  const { t, lang } = useI18n();
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);

  const save = async () => {
    setBusy(true);
    try {
      const { rows, more } = await allRows((token) => csv.page(token, 1000), exportRowsMax);
      const written = columns.filter((column) => column.csv);
      saveText(csv.fileName, toCsv(written.map((column) => column.title), rows.map((row) => written.map((column) => column.csv?.(row) ?? ''))));
      if (more) void message.warning(t('list.exportCut', { n: exportRowsMax.toLocaleString('en') }));
    } catch (thrown) {
      if (!isAbort(thrown)) {
        const refused = toApiError(thrown);
        void message.error(lang === 'zh' ? refused.messageZh : refused.messageEn);
      }
    } finally {
      setBusy(false);
    }
  };

  return (
    <Button icon={<DownloadOutlined />} loading={busy} title={t('list.exportEdge', { n: exportRowsMax.toLocaleString('en') })} onClick={() => void save()}>
      {busy ? t('act.exporting') : t('act.export')}
    </Button>
  );
}
