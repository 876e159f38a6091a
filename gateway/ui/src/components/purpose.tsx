import { Button, Select } from 'antd';
import { useState, type ReactNode } from 'react';
import { useI18n } from '../i18n';

/** Why personal data is read (art. 44), as codes the audit keeps. */
export const purposes = ['register-upkeep', 'draw-preparation', 'contact', 'audit'] as const;
export type Purpose = (typeof purposes)[number] | 'own-record';

/** Asks for the purpose before personal data is shown; `about` is filled in before, `children` stand behind. */
export function PurposeGate({ busy, onRead, about, children }: { busy: boolean; onRead: (purpose: Purpose) => void; about?: ReactNode; children?: ReactNode }) {
  const { t } = useI18n();
  const [purpose, setPurpose] = useState<Purpose>('register-upkeep');
  return (
    <div className="section">
      <p className="muted">{t('purpose.hint')}</p>
      <div className="filters">
        {about}
        <label className="filter">
          <span>{t('purpose.label')}</span>
          <Select style={{ width: 200 }} aria-label={t('purpose.label')} value={purpose} onChange={setPurpose} options={purposes.map((value) => ({ value, label: t(`purpose.${value}`) }))} />
        </label>
        <Button type="primary" loading={busy} onClick={() => onRead(purpose)}>
          {t('purpose.read')}
        </Button>
        {children}
      </div>
    </div>
  );
}
