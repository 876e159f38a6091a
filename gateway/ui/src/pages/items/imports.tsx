import { useState } from 'react';
import { Button, Modal } from 'antd';
import { addressOf, call } from '../../api/client';
import type { Import } from '../../api/contract/common';
import { useLoad } from '../../api/use-load';
import { List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { PageHead } from '../../components/page';
import { useImportColumns } from '../../components/upload/imports';
import { ImportReport } from '../../components/upload/report';
import { useI18n } from '../../i18n';
import { lastPart } from '../../lib/names';

/** Imports of items, newest first. */
export default function ItemImports() {
  const { t } = useI18n();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const [open, setOpen] = useState<Import | null>(null);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Catalog.ListItemImports', { parent, query: state.get('q'), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.imports, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${parent}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const columns = useImportColumns((row) => (
    <Button type="link" className="link-button" onClick={() => setOpen(row)}>
      {row.fileName || lastPart(row.name)}
    </Button>
  ));
  return (
    <>
      <PageHead title={t('import.listTitle')} lead={t('items.title')} />
      <List label={t('import.listTitle')} state={state} loaded={loaded} columns={columns} rowKey={(row) => row.name} standard="create_time desc" filters={<><SearchBox state={state} placeholder={t('import.search')} /><OrganisationFilter state={state} /></>} csv={{ fileName: `item-imports-${lastPart(parent)}.csv`, page }} />
      <Modal open={open !== null} title={open?.fileName} footer={null} onCancel={() => setOpen(null)} width={960}>
        {open && <ImportReport report={open} reportUrl={addressOf('Catalog.DownloadItemImportReport', { name: open.name })} />}
      </Modal>
    </>
  );
}
