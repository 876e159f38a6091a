import { Alert } from 'antd';
import { useEffect, useSyncExternalStore } from 'react';
import { Link } from 'react-router';
import { call } from '../../api/client';
import { useLoad } from '../../api/use-load';
import { List, SearchBox } from '../../components/list';
import { useListState } from '../../components/list-state';
import { OrganisationFilter, useOrganisationInView } from '../../components/organisation-filter';
import { PageHead } from '../../components/page';
import { useImportColumns } from '../../components/upload/imports';
import { useI18n } from '../../i18n';
import { lastPart, pathBelow } from '../../lib/names';
import { goesOn, onTransfers, transferOf } from '../../lib/transfers';

/** Uploads of subjects, newest first; looks again while one goes on. */
export default function SubjectImports() {
  const { t } = useI18n();
  const state = useListState();
  const parent = useOrganisationInView(state);
  const page = async (pageToken: string, pageSize: number, signal?: AbortSignal) => {
    const answer = await call('Registers.ListImports', { parent, query: state.get('q'), orderBy: state.order, pageSize, pageToken }, signal);
    return { rows: answer.imports, nextPageToken: answer.nextPageToken };
  };
  const loaded = useLoad(`${parent}?${state.key}`, (signal) => page(state.pageToken, state.pageSize, signal));
  const transfer = useSyncExternalStore(onTransfers, () => transferOf('subjects'));
  const sending = goesOn(transfer);
  const running = sending || (loaded.data?.rows.some((row) => row.state === 'IMPORT_STATE_RUNNING' || row.state === 'IMPORT_STATE_APPLYING') ?? false);
  const { loading, reload } = loaded;
  useEffect(() => {
    if (!running || loading) return undefined;
    const waiting = setTimeout(reload, 2000);
    return () => clearTimeout(waiting);
  }, [running, loading, reload]);
  useEffect(() => reload(), [sending, reload]);
  const columns = useImportColumns((row) => <Link to={pathBelow('subjects/imports', row.name)}>{row.fileName || lastPart(row.name)}</Link>, true);
  return (
    <>
      <PageHead title={t('import.listTitle')} lead={t('subjects.title')} />
      {sending && transfer.sent < transfer.total && (
        <Alert className="page-note" type="info" showIcon title={<Link to="/subjects/upload">{t('import.sendingNow', { file: transfer.fileName, percent: Math.floor((transfer.sent / Math.max(1, transfer.total)) * 100) })}</Link>} />
      )}
      <List label={t('import.listTitle')} state={state} loaded={loaded} columns={columns} rowKey={(row) => row.name} standard="create_time desc" filters={<><SearchBox state={state} placeholder={t('import.search')} /><OrganisationFilter state={state} /></>} csv={{ fileName: `imports-${lastPart(parent)}.csv`, page }} />
    </>
  );
}
