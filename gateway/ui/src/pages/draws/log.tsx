import { DownloadOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { addressOf, call } from '../../api/client';
import type { Draw } from '../../api/contract/draws';
import type { LogLine } from '../../api/contract/portal';
import { useLoad } from '../../api/use-load';
import { Section } from '../../components/page';
import { Table, type Column } from '../../components/table';
import { ErrorPanel } from '../../components/error-panel';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';

const linesMax = 100;

/** What was changed in the teams since the draw, as the public reads it (art. 16). */
export function DrawLog({ draw }: { draw: Draw }) {
  const { t, tEnum, lang } = useI18n();
  const { name } = draw;
  const { data, error, loading, reload } = useLoad(`log/${name}/${draw.state}`, (signal) => call('Portal.ListLog', { parent: name, pageSize: linesMax }, signal));
  // The public read model follows a little later; until then there is nothing to show.
  if (error?.reason === 'NOT_FOUND') return null;
  const total = Number(data?.totalSize ?? 0);
  const columns: Column<LogLine>[] = [
    { title: t('visits.place'), number: true, render: (row) => row.n },
    { title: t('recusals.logTime'), nowrap: true, render: (row) => formatTime(row.time, lang) },
    { title: t('visits.subject'), head: true, render: (row) => <span>{row.title || row.subject}{row.otherSubject && <small className="muted beneath">⇄ {row.otherTitle || row.otherSubject}</small>}</span> },
    { title: t('recusals.logAct'), render: (row) => tEnum('recusals.act.RECUSAL_ACT_', row.act) },
    { title: t('recusals.logOut'), nowrap: true, render: (row) => <code>{row.personOut}</code> },
    { title: t('recusals.logIn'), render: (row) => (row.personIn ? <code>{row.personIn}</code> : t('recusals.empty')) },
    { title: t('recusals.ground'), render: (row) => tEnum('recusals.ground.RECUSAL_GROUND_', row.reason) },
  ];
  return (
    <Section
      title={t('recusals.log')}
      lead={t('recusals.logLead')}
      extra={
        total > 0 && (
          <span className="page-acts">
            <Button icon={<DownloadOutlined />} href={addressOf('Portal.DownloadLog', { name })} download>
              {t('recusals.logAll')}
            </Button>
            <Button icon={<DownloadOutlined />} href={addressOf('Portal.DownloadLogHead', { name })} download>
              {t('recusals.logHead')}
            </Button>
          </span>
        )
      }
    >
      {error?.reason === 'NOT_PUBLIC_YET' ? (
        <p>{t('recusals.logWaits')}</p>
      ) : error ? (
        <ErrorPanel error={error} onRetry={reload} loading />
      ) : (
        <Table label={t('recusals.log')} columns={columns} rows={data?.lines} rowKey={(row) => row.n} loading={loading} empty={t('recusals.logNone')} />
      )}
      {total > linesMax && <p className="muted">{t('recusals.logMore', { n: total })}</p>}
    </Section>
  );
}
