import { Select } from 'antd';
import type { ListState } from '../../components/list-state';
import { useI18n } from '../../i18n';

/** Values of a filter that takes several, kept in the address with commas. */
export function several(state: ListState, name: string): string[] {
  return state.get(name).split(',').filter(Boolean);
}

/** A filter of which any of several values match. */
export function FilterSeveral({ state, name, label, options, width = 190 }: { state: ListState; name: string; label: string; options: readonly { value: string; label: string }[]; width?: number }) {
  const { t } = useI18n();
  return (
    <label className="filter">
      <span>{label}</span>
      <Select
        mode="multiple"
        maxTagCount="responsive"
        allowClear
        style={{ width }}
        aria-label={label}
        placeholder={t('list.all')}
        value={several(state, name)}
        options={[...options]}
        onChange={(values: string[]) => state.set({ [name]: values.join(',') })}
        showSearch={{ optionFilterProp: 'label' }}
      />
    </label>
  );
}
