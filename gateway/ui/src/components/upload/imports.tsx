import type { ReactNode } from 'react';
import type { Import } from '../../api/contract/common';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import type { Column } from '../table';
import { ImportTag, importStateText } from './outcome';

/** Columns of a list of imports; not every list of them sorts by rows. */
export function useImportColumns(link: (row: Import) => ReactNode, byRows = false): Column<Import>[] {
  const { t, lang } = useI18n();
  const n = (title: string, pick: (row: Import) => string): Column<Import> => ({ title, number: true, render: (row) => Number(pick(row)).toLocaleString('en'), csv: pick });
  return [
    { title: t('import.file'), sort: 'file_name', head: true, render: link, csv: (row) => row.fileName },
    { title: t('import.time'), sort: 'create_time', nowrap: true, render: (row) => formatTime(row.createTime, lang), csv: (row) => row.createTime ?? '' },
    { title: t('import.encoding'), render: (row) => row.encoding, csv: (row) => row.encoding },
    { ...n(t('import.rows'), (row) => row.rows), ...(byRows ? { sort: 'rows' } : {}) },
    n(t('import.created'), (row) => row.created),
    n(t('import.updated'), (row) => row.updated),
    n(t('import.unchanged'), (row) => row.unchanged),
    n(t('import.returned'), (row) => row.returned),
    { title: t('field.state'), render: (row) => <ImportTag report={row} />, csv: (row) => t(importStateText(row)) },
  ];
}
