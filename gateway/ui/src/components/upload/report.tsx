import { DownloadOutlined } from '@ant-design/icons';
import { Alert, Button } from 'antd';
import type { Import, RowProblem } from '../../api/contract/common';
import { useI18n } from '../../i18n';
import { Section } from '../page';
import { Table, type Column } from '../table';
import { ImportTag, outcomeOf } from './outcome';

/** A report shows no more problems; the file for download holds all. */
const problemsMax = 100;

/** What became of an uploaded table. */
export function ImportReport({ report, reportUrl }: { report: Import; reportUrl: string }) {
  const { t, tEnum, lang } = useI18n();
  const n = (text: string) => Number(text).toLocaleString('en');
  const returned = Number(report.returned) > 0;
  const outcome = report.state === 'IMPORT_STATE_FINISHED' ? outcomeOf(report) : 'whole';
  const problems = report.problems.length;
  const columns: Column<RowProblem>[] = [
    { title: t('import.line'), number: true, render: (row) => Number(row.line).toLocaleString('en') },
    { title: t('import.field'), nowrap: true, render: (row) => tEnum('import.field.', row.field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())) },
    { title: t('import.value'), render: (row) => <code>{row.value}</code> },
    {
      title: t('import.problem'),
      render: (row) => (
        // The code is for whoever is asked for help.
        <span title={`${t('error.reason')} ${row.reason}`}>{lang === 'zh' ? row.message : row.messageEn}</span>
      ),
    },
  ];
  return (
    <>
      <Section title={report.fileName} extra={<ImportTag report={report} />} lead={report.encoding}>
        {outcome === 'nothing' && <Alert type="error" showIcon title={t('import.nothingIn', { n: n(report.rows) })} description={t('import.nothingInTodo')} />}
        {outcome === 'part' && <Alert type="warning" showIcon title={t('import.partIn', { n: n(report.returned) })} />}
        {report.state === 'IMPORT_STATE_INTERRUPTED' && <Alert type="warning" showIcon title={t('import.interrupted')} />}
        {report.state === 'IMPORT_STATE_WAITING' && <Alert type="warning" showIcon title={t('import.waiting')} />}
        {report.state === 'IMPORT_STATE_APPLYING' && <Alert type="info" showIcon title={t('import.applying')} />}
        {report.state === 'IMPORT_STATE_REJECTED' && <Alert type="error" showIcon title={t('import.rejected')} />}
        {report.reason && <p>{t('import.reasonLabel')}：{report.reason}</p>}
        <dl className="counts">
          <Count label={t('import.rows')} value={n(report.rows)} />
          <Count label={t('import.created')} value={n(report.created)} />
          <Count label={t('import.updated')} value={n(report.updated)} />
          <Count label={t('import.unchanged')} value={n(report.unchanged)} />
          <Count label={t('import.returned')} value={n(report.returned)} bad={returned} />
          {report.oldNumbers !== '0' && <Count label={t('import.oldNumbers')} value={n(report.oldNumbers)} />}
        </dl>
      </Section>
      <Section
        title={t('import.problems')}
        lead={problems === 0 ? t('import.noProblems') : t(problems < problemsMax ? 'list.total' : 'import.problemsFirst', { n: problems })}
        extra={
          problems > 0 && (
            <Button icon={<DownloadOutlined />} href={reportUrl} download>
              {t('import.report')}
            </Button>
          )
        }
      >
        {problems > 0 && <Table label={t('import.problems')} columns={columns} rows={report.problems} rowKey={(row) => `${row.line}/${row.field}/${row.reason}`} />}
      </Section>
    </>
  );
}

function Count({ label, value, bad = false }: { label: string; value: string; bad?: boolean }) {
  return (
    <div className={bad ? 'bad' : undefined}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
