import { Link } from 'react-router';
import { call } from '../../api/client';
import type { Subject, SubjectVersion } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { LoadFailed } from '../../components/load-failed';
import { Section } from '../../components/page';
import { Table } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { districtName } from '../../lib/districts';
import { pathBelow } from '../../lib/names';
import { Account } from './account';

/** Who changed a subject, when, and why (art. 43). */
export function SubjectHistory({ name, etag }: { name: string; etag: string }) {
  const { t, tEnum, lang } = useI18n();
  const { data, error, loading, reload } = useLoad(`${name}@${etag}`, (signal) => call('RegisterChanges.ListSubjectVersions', { parent: name }, signal));
  if (error) return <LoadFailed error={error} onRetry={reload} />;
  const versions = data?.versions ?? [];
  const shown = (subject: Subject): [string, string][] => [
    [t('field.title'), subject.title],
    [t('field.district'), districtName(subject.district, lang)],
    [t('subjects.industry'), subject.industry],
    [t('subjects.address'), subject.address],
    [t('subjects.status'), tEnum('subjects.status.', subject.status)],
    [t('subjects.credit'), subject.creditClass || t('subjects.unclassified')],
  ];
  const differences = (version: SubjectVersion) => {
    const at = versions.indexOf(version);
    const [after, before] = [version.subject, versions[at + 1]?.subject];
    if (!after) return null;
    if (!before) return at === versions.length - 1 && version.subject?.etag === '1' ? t('subjects.history.first') : version.what;
    const earlier = shown(before);
    return shown(after)
      .map(([field, value], place) => [field, earlier[place]?.[1] ?? '', value] as const)
      .filter(([, old, value]) => old !== value)
      .map(([field, old, value]) => (
        <span key={field} className="beneath">
          {t('subjects.history.field', { field, before: old || '—', after: value || '—' })}
        </span>
      ));
  };
  const source = (version: SubjectVersion) => {
    if (version.source.includes('/imports/')) return <Link to={pathBelow('subjects/imports', version.source)}>{t('subjects.history.import')}</Link>;
    if (version.source.includes('/registerChanges/')) return <Link to={pathBelow('subjects/changes', version.source)}>{t('subjects.history.change')}</Link>;
    return t('subjects.history.byHand');
  };
  return (
    <Section title={t('subjects.history')} lead={t('subjects.historyLead')}>
      <Table
        label={t('subjects.history')}
        loading={loading}
        rows={data?.versions}
        rowKey={(row) => row.subject?.etag ?? ''}
        columns={[
          { title: t('subjects.history.when'), nowrap: true, head: true, render: (row) => formatTime(row.time, lang) },
          { title: t('subjects.history.what'), render: differences },
          { title: t('subjects.history.why'), render: (row) => row.reason },
          { title: t('subjects.history.who'), render: (row) => <Account name={row.actor} /> },
          { title: t('subjects.history.approver'), render: (row) => <Account name={row.approver} /> },
          { title: t('subjects.history.source'), nowrap: true, render: source },
        ]}
      />
    </Section>
  );
}
