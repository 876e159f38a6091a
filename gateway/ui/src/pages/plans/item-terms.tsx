import type { Item } from '../../api/contract/catalog';
import { useI18n, type TextKey } from '../../i18n';

/** What the published list demands of inspections on an item (art. 12), to be held against the plan. */
export function ItemTerms({ item }: { item: Item }) {
  const { t } = useI18n();
  const terms: readonly (readonly [TextKey, string])[] = [
    ['import.field.ratio', item.ratio],
    ['import.field.frequency', item.frequency],
    ['import.field.subjectScope', item.subjectScope],
    ['import.field.method', item.method],
    ['import.field.officerDemand', item.officerDemand],
  ];
  const given = terms.filter(([, text]) => text !== '');
  if (given.length === 0) return null;
  return (
    <div className="muted">
      {given.map(([name, text]) => (
        <div key={name}>
          {t(name)}：{text}
        </div>
      ))}
    </div>
  );
}
