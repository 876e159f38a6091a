import { Spin } from 'antd';
import { useParams, useSearchParams } from 'react-router';
import { call } from '../../api/client';
import type { FieldDifference } from '../../api/contract/catalog';
import { useLoad } from '../../api/use-load';
import { LinkButton } from '../../components/link-button';
import { LoadFailed } from '../../components/load-failed';
import { PageHead } from '../../components/page';
import { Table, type Column } from '../../components/table';
import { texts, useI18n, type TextKey } from '../../i18n';

const parts: Record<string, TextKey> = { content: 'items.check.content', method: 'items.check.method', penaltyBasis: 'items.check.penalty' };

/** What two versions of an item, or a version and its revision under way, say differently (art. 8). */
export default function ItemCompare() {
  const { t, tEnum } = useI18n();
  const { organisation = '', id = '' } = useParams();
  const [search] = useSearchParams();
  const name = `organisations/${organisation}/items/${id}`;
  const number = (key: string) => (/^\d{1,9}$/.test(search.get(key) ?? '') ? (search.get(key) as string) : '0');
  const [base, target] = [number('base'), number('target')];
  const item = useLoad(name, (signal) => call('Catalog.GetItem', { name }, signal));
  const compared = useLoad(`${name}?${base}&${target}`, (signal) => call('ItemVersions.CompareItemVersions', { name, base, target }, signal));
  const failed = item.error ?? compared.error;
  if (failed) return <LoadFailed error={failed} onRetry={() => (item.error ? item : compared).reload()} />;
  if (!item.data || !compared.data) return <Spin className="page-spin" />;
  const fieldOf = (field: string) => {
    const entry = /^checklist\[(\d+)\]\.(\w+)$/.exec(field);
    if (entry) {
      const part = parts[entry[2] ?? ''];
      return t('items.difference.entry', { n: entry[1] ?? '', part: part ? t(part) : (entry[2] ?? '') });
    }
    const key = field === 'randomListed' ? 'items.listed' : field.startsWith('listing.') ? `items.${field}` : `import.field.${field}`;
    return key in texts ? t(key as TextKey) : field;
  };
  const saying = (row: FieldDifference, text: string) => {
    if (text === '') return <span className="muted">{t('field.none')}</span>;
    if (row.field === 'grade') return tEnum('items.grade.', text);
    return text === 'true' && (row.field === 'randomListed' || row.field === 'listing.withheld') ? t('field.yes') : text;
  };
  const called = (version: string, other: string) => (version === '0' ? other : t('items.versionNo', { n: version }));
  const lead = t('items.compareLead', { from: called(base, t('items.versionNo', { n: item.data.version })), to: called(target, t('items.compareNow')) });
  const columns: Column<FieldDifference>[] = [
    { title: t('items.difference.field'), head: true, render: (row) => fieldOf(row.field) },
    { title: t('items.difference.before'), render: (row) => saying(row, row.before) },
    { title: t('items.difference.after'), render: (row) => saying(row, row.after) },
  ];
  return (
    <>
      <PageHead title={t('items.compareTitle')} lead={`${item.data.title}${item.data.subTitle && ` · ${item.data.subTitle}`}：${lead}`}>
        <LinkButton to={`/items/${organisation}/${id}`}>{t('items.backToItem')}</LinkButton>
      </PageHead>
      {compared.data.differences.length > 0 ? <Table label={t('items.compareTitle')} columns={columns} rows={compared.data.differences} rowKey={(row) => row.field} /> : <p className="muted">{t('items.compareNone')}</p>}
    </>
  );
}
