import { ReloadOutlined } from '@ant-design/icons';
import { Alert, Button } from 'antd';
import { call } from '../../api/client';
import type { Plan, StratumPreview } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { ErrorPanel } from '../../components/error-panel';
import { useStratumName } from '../../components/stratum-name';
import { Section } from '../../components/page';
import { Table, type Column } from '../../components/table';
import { useI18n } from '../../i18n';

/** What a draw over the plan would find now. */
export function PlanPreview({ plan }: { plan: Plan }) {
  const { t, lang } = useI18n();
  const stratumName = useStratumName();
  const { data, error, loading, reload } = useLoad(`${plan.name}/${plan.etag}`, (signal) => call('Plans.PreviewPlan', { name: plan.name }, signal));
  const number = (text: string) => Number(text).toLocaleString('en');
  const sum = (pick: (row: StratumPreview) => string) => (data?.strata.reduce((all, row) => all + BigInt(pick(row)), 0n) ?? 0n).toLocaleString('en');
  const columns: Column<StratumPreview>[] = [
    { title: t('plans.stratum'), head: true, render: (row) => stratumName(row.stratum) },
    { title: t('plans.subjects'), number: true, render: (row) => number(row.subjects) },
    { title: t('plans.leftOut'), number: true, render: (row) => number(row.leftOut) },
    { title: t('plans.drawn'), number: true, render: (row) => number(row.drawn) },
    { title: t('plans.officersAvailable'), number: true, render: (row) => number(row.officers) },
  ];
  return (
    <Section title={t('plans.preview')} lead={t('plans.previewLead')} extra={<Button icon={<ReloadOutlined />} loading={loading} aria-label={t('act.reload')} onClick={reload} />}>
      {error && <ErrorPanel error={error} onRetry={reload} loading />}
      {data &&
        (data.obstacles.length > 0 ? (
          <Alert
            type="warning"
            showIcon
            className="error-panel"
            title={t('plans.obstacles')}
            description={
              <ul className="plain-list dotted">
                {data.obstacles.map((obstacle) => (
                  <li key={obstacle}>{obstacle}</li>
                ))}
              </ul>
            }
          />
        ) : (
          <Alert type="success" showIcon className="error-panel" title={t('plans.noObstacles')} />
        ))}
      {data && plan.experts && <p className="muted">{t('plans.expertsAvailable', { n: data.experts })}</p>}
      {data && data.warnings.length > 0 && (
        <Alert
          type="info"
          showIcon
          className="error-panel"
          title={t('plans.warnings')}
          description={
            <ul className="plain-list dotted">
              {data.warnings.map((warning) => (
                <li key={warning.message}>{lang === 'zh' ? warning.message : warning.messageEn}</li>
              ))}
            </ul>
          }
        />
      )}
      {!error && (
        <Table
          label={t('plans.preview')}
          columns={columns}
          rows={data?.strata}
          rowKey={(row) => row.stratum}
          loading={loading}
          footer={
            data && data.strata.length > 1 ? (
              <tr role="row">
                <td role="cell" className="cell-head">{t('plans.sum')}</td>
                <td role="cell" className="num" data-label={t('plans.subjects')}>{sum((row) => row.subjects)}</td>
                <td role="cell" className="num" data-label={t('plans.leftOut')}>{sum((row) => row.leftOut)}</td>
                <td role="cell" className="num" data-label={t('plans.drawn')}>{sum((row) => row.drawn)}</td>
                <td role="cell" />
              </tr>
            ) : undefined
          }
        />
      )}
    </Section>
  );
}
