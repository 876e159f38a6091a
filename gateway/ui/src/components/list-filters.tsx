import { SearchOutlined } from '@ant-design/icons';
import { Button, Input, Select } from 'antd';
import { useEffect, useState } from 'react';
import { useI18n } from '../i18n';
import type { ListState } from './list-state';
import type { Column } from './table';

/** A search box that asks when Enter is pressed or the button is used, never at every letter. */
export function SearchBox({ state, name = 'q', placeholder, width = 280 }: { state: ListState; name?: string; placeholder: string; width?: number }) {
  const { t } = useI18n();
  const given = state.get(name);
  const [text, setText] = useState(given);
  useEffect(() => setText(given), [given]);
  return (
    <Input.Search
      className="filter-search"
      style={{ maxWidth: width }}
      value={text}
      allowClear
      aria-label={placeholder}
      placeholder={placeholder}
      enterButton={<Button icon={<SearchOutlined />} aria-label={t('act.search')} />}
      onChange={(event) => {
        setText(event.target.value);
        if (event.target.value === '') state.set({ [name]: '' });
      }}
      onSearch={(value) => state.set({ [name]: value.trim() })}
    />
  );
}

/** A filter with a few values; `all` says what unset means, if not everything. */
export function FilterSelect({ state, name, label, options, width = 168, all }: { state: ListState; name: string; label: string; options: readonly { value: string; label: string }[]; width?: number; all?: string }) {
  const { t } = useI18n();
  return (
    <label className="filter">
      <span>{label}</span>
      <Select
        style={{ width }}
        aria-label={label}
        value={state.get(name)}
        options={[{ value: '', label: all ?? t('list.all') }, ...options]}
        onChange={(value: string) => state.set({ [name]: value })}
        showSearch={options.length > 8 ? { optionFilterProp: 'label' } : false}
      />
    </label>
  );
}

/** The order of a list where its heads do not show: on a phone. */
export function OrderSelect<Row>({ state, columns, standard }: { state: ListState; columns: readonly Column<Row>[]; standard: string }) {
  const { t } = useI18n();
  const options = columns.flatMap(({ sort, title }) =>
    sort
      ? [
          { value: sort, label: t('list.ascending', { field: title }) },
          { value: `${sort} desc`, label: t('list.descending', { field: title }) },
        ]
      : [],
  );
  if (options.length === 0) return null;
  return (
    <label className="filter filter-order">
      <span>{t('list.order')}</span>
      <Select aria-label={t('list.order')} value={state.order || standard} options={options} onChange={(value: string) => state.sort(value === standard ? '' : value)} />
    </label>
  );
}
