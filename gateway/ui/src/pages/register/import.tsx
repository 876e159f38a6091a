import { Alert, Spin } from 'antd';
import { useEffect } from 'react';
import { useParams } from 'react-router';
import { addressOf, call } from '../../api/client';
import { useLoad } from '../../api/use-load';
import { LinkButton } from '../../components/link-button';
import { LoadFailed } from '../../components/load-failed';
import { PageHead } from '../../components/page';
import { ImportReport } from '../../components/upload/report';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { pathBelow } from '../../lib/names';

/** The report of one upload; looks again every second while it runs. */
export default function SubjectImport() {
  const { t, lang } = useI18n();
  const { organisation = '', id = '' } = useParams();
  const name = `organisations/${organisation}/imports/${id}`;
  const { data, error, loading, reload } = useLoad(name, (signal) => call('Registers.GetImport', { name }, signal));
  const running = data?.state === 'IMPORT_STATE_RUNNING' || data?.state === 'IMPORT_STATE_APPLYING';
  useEffect(() => {
    if (!running || loading) return undefined;
    const waiting = setTimeout(reload, 1000);
    return () => clearTimeout(waiting);
  }, [running, loading, reload]);
  if (error) return <LoadFailed error={error} onRetry={reload} />;
  if (!data) return <Spin className="page-spin" />;
  return (
    <>
      <PageHead title={t('import.listTitle')} lead={formatTime(data.createTime, lang, true)}>
        {data.change && (
          <LinkButton to={pathBelow('subjects/changes', data.change)}>{t('import.seeChange')}</LinkButton>
        )}
        {data.state === 'IMPORT_STATE_INTERRUPTED' && (
          <LinkButton type="primary" to="/subjects/upload">{t('import.uploadAgain')}</LinkButton>
        )}
      </PageHead>
      {data.state === 'IMPORT_STATE_INTERRUPTED' && <Alert className="page-note" type="info" showIcon title={t('import.howOn')} />}
      <ImportReport report={data} reportUrl={addressOf('Registers.DownloadImportReport', { name })} />
    </>
  );
}
