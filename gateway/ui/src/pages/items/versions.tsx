import { Spin } from 'antd';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { Item, ItemVersion } from '../../api/contract/catalog';
import { useLoad } from '../../api/use-load';
import { LoadFailed } from '../../components/load-failed';
import { Section } from '../../components/page';
import { Table, type Column } from '../../components/table';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { pathBelow } from '../../lib/names';

/** Every publication of an item, newest first (art. 8); the hundred newest, which no list has reached yet. */
export function ItemVersionList({ item }: { item: Item }) {
  const { t, lang } = useI18n();
  const { data, error, reload } = useLoad(`${item.name}/versions?${item.version}`, (signal) => call('ItemVersions.ListItemVersions', { parent: item.name, pageSize: 100 }, signal));
  const columns: Column<ItemVersion>[] = [
    { title: t('items.versionOf'), head: true, nowrap: true, render: (row) => t('items.versionNo', { n: row.number }) },
    { title: t('items.publishTime'), nowrap: true, render: (row) => formatTime(row.publishTime, lang) },
    { title: t('items.reason'), render: (row) => row.reason || t('items.firstVersion') },
    {
      title: t('items.compareTitle'),
      render: (row) => (row.number === '1' ? '—' : <Link to={`${pathBelow('items', item.name)}/compare?base=${Number(row.number) - 1}&target=${row.number}`}>{t('items.compare')}</Link>),
    },
  ];
  return (
    <Section title={t('items.versions')} lead={t('items.versionsLead')}>
      {error && <LoadFailed error={error} onRetry={reload} />}
      {!data && !error && <Spin />}
      {data && (data.versions.length > 0 ? <Table label={t('items.versions')} columns={columns} rows={data.versions} rowKey={(row) => row.name} /> : <p className="muted">{t('items.versionsNone')}</p>)}
    </Section>
  );
}
