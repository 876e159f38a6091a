import { InboxOutlined } from '@ant-design/icons';
import { Select } from 'antd';
import { useState } from 'react';
import { useI18n, type TextKey } from '../../i18n';
import type { Head } from '../../lib/csv';

/** A field to choose or drop one file; a native input, so that keyboard and phone work by themselves. */
export function FileDrop({ onFile }: { onFile: (file: File) => void }) {
  const { t } = useI18n();
  const [over, setOver] = useState(false);
  return (
    <label
      className={`drop ${over ? 'drop-over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const dropped = event.dataTransfer.files[0];
        if (dropped) onFile(dropped);
      }}
    >
      <InboxOutlined aria-hidden="true" />
      <strong>{t('import.choose')}</strong>
      <span className="muted">{t('import.chooseHint')}</span>
      <input
        className="visually-hidden"
        type="file"
        accept=".csv,.txt,.xlsx,text/csv,text/plain,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          event.target.value = '';
          if (chosen) onFile(chosen);
        }}
      />
    </label>
  );
}

/** The first rows of a file as they are. */
export function Sample({ head }: { head: Head }) {
  const { t } = useI18n();
  return (
    <div className="sample" tabIndex={0} role="region" aria-label={t('import.firstRows')}>
      <table>
        <thead>
          <tr>
            {head.header.map((cell, at) => (
              <th key={at} scope="col">
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {head.rows.map((row, line) => (
            <tr key={line}>
              {head.header.map((_, at) => (
                <td key={at}>{row[at] ?? ''}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface MapProps {
  header: readonly string[];
  fields: readonly string[];
  needed: readonly string[];
  mapped: Record<string, string | undefined>;
  onChange: (mapped: Record<string, string | undefined>) => void;
  tried: boolean;
}

/** Which column holds which field. */
export function ColumnMap({ header, fields, needed, mapped, onChange, tried }: MapProps) {
  const { t } = useI18n();
  return (
    <div className="form-row">
      {fields.map((field) => {
        const must = needed.includes(field);
        const missing = tried && must && !mapped[field];
        return (
          <label key={field} className="map-field">
            <span>
              {must && <span className="must">*</span>} {t(`import.field.${field}` as TextKey)}
            </span>
            <Select
              aria-label={t(`import.field.${field}` as TextKey)}
              aria-required={must}
              status={missing ? 'error' : ''}
              value={mapped[field] ?? ''}
              options={[{ value: '', label: t('import.unmapped') }, ...[...new Set(header)].filter(Boolean).map((cell) => ({ value: cell, label: cell }))]}
              onChange={(cell: string) => onChange({ ...mapped, [field]: cell || undefined })}
            />
            {missing && <span className="due-over">{t('field.required')}</span>}
          </label>
        );
      })}
    </div>
  );
}
