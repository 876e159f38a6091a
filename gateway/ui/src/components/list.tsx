import { DownloadOutlined, FilterOutlined, LeftOutlined, ReloadOutlined, RightOutlined } from '@ant-design/icons';
import { Button, Select } from 'antd';
import { useState, type ReactNode } from 'react';
import type { Page } from '../api/pages';
import type { Loaded } from '../api/use-load';
import { useI18n } from '../i18n';
import { ErrorPanel } from './error-panel';
import { ExportButton, type Csv } from './list-export';
import { OrderSelect } from './list-filters';
import { pageSizes, type ListState } from './list-state';
import { Table, type Column } from './table';

export { FilterSelect, SearchBox } from './list-filters';

/** Counts are exact up to here; the services stop counting one above. */
const countedMax = 100_000;

export interface ListPage<Row> extends Page<Row> {
  /** How many match in all, where the service counts. */
  total?: number;
}

interface Props<Row> {
  label: string;
  state: ListState;
  loaded: Omit<Loaded<ListPage<Row>>, 'set'>;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  /** The order where none is asked, as the service names it; only where columns sort. */
  standard?: string;
  /** Filters, left of the count; the first search box stays in sight on a phone, the others fold away. */
  filters?: ReactNode;
  /** What can be done with the rows, in a line of its own above them. */
  acts?: ReactNode;
  /** What is said when nothing is there at all. */
  empty?: ReactNode;
  selection?: Parameters<typeof Table<Row>>[0]['selection'];
  /** File name and a way to fetch any page, for the export; none: no export here. */
  csv?: Csv<Row>;
  /** Address of the service's own export, used instead. */
  exportUrl?: string;
}

/** A list as every page has it: filters and order in the address, count, table, pages, export. */
export function List<Row>({ label, state, loaded, columns, rowKey, standard = '', filters, acts, empty, selection, csv, exportUrl }: Props<Row>) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  const { data, error, loading, reload } = loaded;
  const total = data?.total;
  const sorts = columns.some((column) => column.sort);
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
      {csv && !exportUrl && <ExportButton columns={columns} csv={csv} total={total !== undefined && total <= countedMax ? total : undefined} />}
    </span>
  );
  const reset = <Button onClick={state.clear}>{t('act.reset')}</Button>;
  return (
    <section className="section list" aria-label={label}>
      <div className={open ? 'filters filters-open' : 'filters'}>
        {filters}
        {sorts && <OrderSelect state={state} columns={columns} standard={standard} />}
        {state.filtered && reset}
        {(filters || sorts) && (
          <Button className="filters-fold" icon={<FilterOutlined />} aria-expanded={open} onClick={() => setOpen(!open)}>
            {t(open ? 'list.fold' : sorts ? 'list.unfoldSorted' : 'list.unfold')}
            {!open && state.filters > 0 && ` (${state.filters})`}
          </Button>
        )}
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
        <Table
          label={label}
          columns={columns}
          rows={data?.rows}
          rowKey={rowKey}
          loading={loading}
          empty={state.filtered ? <>{t('list.empty')} {reset}</> : empty}
          selection={selection}
          sorting={sorts ? { order: state.order || standard, onSort: (order) => state.sort(order === standard ? '' : order) } : undefined}
        />
      )}
      {error?.reason === 'PAGE_TOKEN' && <Button onClick={state.first}>{t('list.first')}</Button>}
      {error?.code === 3 && error.reason !== 'PAGE_TOKEN' && <Button onClick={state.restart}>{t('list.restart')}</Button>}
      {data && !error && (data.rows.length > 0 || state.pageToken !== '') && <Pager list={label} state={state} nextPageToken={data.nextPageToken} loading={loading} />}
    </section>
  );
}

function Pager({ list, state, nextPageToken, loading }: { list: string; state: ListState; nextPageToken: string; loading: boolean }) {
  const { t } = useI18n();
  return (
    <nav className="pager" aria-label={t('list.pagesLabel', { list })}>
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
