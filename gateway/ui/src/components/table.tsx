import { ArrowDownOutlined, ArrowUpOutlined, SwapOutlined } from '@ant-design/icons';
import { Checkbox, Empty, Spin } from 'antd';
import type { ReactNode } from 'react';
import { useI18n } from '../i18n';

export interface Column<Row> {
  title: string;
  render: (row: Row) => ReactNode;
  /** Plain text for the CSV; left out of it when not given. */
  csv?: (row: Row) => string;
  /** Stands in the CSV only. */
  csvOnly?: boolean;
  /** Numbers stand at the right. */
  number?: boolean;
  /** Text that is not broken over lines. */
  nowrap?: boolean;
  /** Named the row on a phone, where a row is a card. */
  head?: boolean;
  /** The service's name of the field the list can be sorted by here. */
  sort?: string;
}

interface Props<Row> {
  /** What the table lists, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[] | undefined;
  rowKey: (row: Row) => string;
  loading?: boolean;
  empty?: ReactNode;
  /** Keys chosen, and what may be chosen. */
  selection?: { chosen: ReadonlySet<string>; onChange: (chosen: Set<string>) => void; can: (row: Row) => boolean; name: (row: Row) => string };
  footer?: ReactNode;
  /** The order in force, such as `title desc`, and what a head asks for. */
  sorting?: { order: string; onSort: (order: string) => void };
}

/** A table that becomes a list of cards on a phone. Roles are written out, because the phone's layout would drop them. */
export function Table<Row>({ label, columns: given, rows, rowKey, loading = false, empty, selection, footer, sorting }: Props<Row>) {
  const { t } = useI18n();
  const columns = given.filter((column) => !column.csvOnly);
  if (!rows) {
    return (
      <div className="table-wait" role="status">
        {loading && <Spin description={t('list.loading')}><div className="table-wait-space" /></Spin>}
      </div>
    );
  }
  if (rows.length === 0) return <Empty className="table-empty" image={Empty.PRESENTED_IMAGE_SIMPLE} description={empty ?? t('list.emptyAll')} />;
  const choosable = selection ? rows.filter(selection.can) : [];
  const chosenHere = selection ? choosable.filter((row) => selection.chosen.has(rowKey(row))).length : 0;
  const chooseAll = (all: boolean) => {
    const chosen = new Set(selection?.chosen);
    for (const row of choosable) {
      if (all) chosen.add(rowKey(row));
      else chosen.delete(rowKey(row));
    }
    selection?.onChange(chosen);
  };
  const classOf = (column: Column<Row>) => [column.number && 'num', column.nowrap && 'nowrap', column.head && 'cell-head'].filter(Boolean).join(' ') || undefined;
  return (
    // A wide table is scrolled by the keyboard, too, also where nothing in it takes the focus.
    <div className="table-frame" role="group" aria-label={label} aria-busy={loading} tabIndex={0}>
      <table className="table" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {selection && (
              <th role="columnheader" scope="col" className="choose">
                <Checkbox aria-label={t('list.all')} disabled={choosable.length === 0} checked={chosenHere > 0 && chosenHere === choosable.length} indeterminate={chosenHere > 0 && chosenHere < choosable.length} onChange={(event) => chooseAll(event.target.checked)} />
              </th>
            )}
            {columns.map((column) => (
              <Head key={column.title} column={column} className={classOf(column)} sorting={sorting} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => {
            const key = rowKey(row);
            return (
              <tr key={key} role="row">
                {selection && (
                  <td role="cell" className="choose">
                    <Checkbox
                      aria-label={selection.name(row)}
                      disabled={!selection.can(row)}
                      checked={selection.chosen.has(key)}
                      onChange={(event) => {
                        const chosen = new Set(selection.chosen);
                        if (event.target.checked) chosen.add(key);
                        else chosen.delete(key);
                        selection.onChange(chosen);
                      }}
                    />
                  </td>
                )}
                {columns.map((column) => (
                  <td key={column.title} role="cell" data-label={column.title} className={classOf(column)}>
                    {column.render(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
        {footer && <tfoot role="rowgroup">{footer}</tfoot>}
      </table>
    </div>
  );
}

/** Head of a column; where the list can be sorted by it a button, which turns the order round when it is in force. */
function Head<Row>({ column, className, sorting }: { column: Column<Row>; className?: string; sorting: Props<Row>['sorting'] }) {
  const { sort, title } = column;
  if (!sort || !sorting) {
    return (
      <th role="columnheader" scope="col" className={className}>
        {title}
      </th>
    );
  }
  const rising = sorting.order === sort;
  const falling = sorting.order === `${sort} desc`;
  return (
    <th role="columnheader" scope="col" className={className} aria-sort={rising ? 'ascending' : falling ? 'descending' : 'none'}>
      <button type="button" className="sort" onClick={() => sorting.onSort(rising ? `${sort} desc` : sort)}>
        {title}
        {rising ? <ArrowUpOutlined aria-hidden="true" /> : falling ? <ArrowDownOutlined aria-hidden="true" /> : <SwapOutlined className="sort-none" rotate={90} aria-hidden="true" />}
      </button>
    </th>
  );
}
