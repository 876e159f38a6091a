import { Checkbox, Input } from 'antd';
import { useState } from 'react';
import { addressOf } from '../../api/client';
import { importFile } from '../../api/resumable';
import { LinkButton } from '../../components/link-button';
import { MayNot, PageHead } from '../../components/page';
import { UploadWizard } from '../../components/upload/wizard';
import { useI18n } from '../../i18n';
import { itemFields } from '../../lib/columns';
import { useMe } from '../../session';

/** Importing the list of items (art. 7, 9, 12). */
export default function ItemUpload() {
  const { t } = useI18n();
  const me = useMe();
  const parent = me.organisation;
  const [randomListed, setRandomListed] = useState(true);
  const [deriveChecklist, setDeriveChecklist] = useState(true);
  const [responsible, setResponsible] = useState({ leader: '', undertakingUnit: '', handler: '' });
  return (
    <>
      <PageHead title={t('import.itemsTitle')} lead={t('items.lead')} />
      {!me.may('Catalog.ImportItems') ? (
        <MayNot method="Catalog.ImportItems" />
      ) : (
        <UploadWizard
          kind="items"
          fields={itemFields}
          needed={['title']}
          options={() => (
            <div className="map-field">
              <Checkbox checked={randomListed} onChange={(event) => setRandomListed(event.target.checked)}>
                {t('import.randomListed')}
              </Checkbox>
              <Checkbox checked={deriveChecklist} onChange={(event) => setDeriveChecklist(event.target.checked)}>
                {t('import.derive')}
              </Checkbox>
              <p className="muted">{t('import.responsibleLead')}</p>
              <div className="form-row">
                {(['leader', 'undertakingUnit', 'handler'] as const).map((field) => (
                  <Input key={field} aria-label={t(`import.field.${field}`)} placeholder={t(`import.field.${field}`)} maxLength={100} value={responsible[field]} onChange={(event) => setResponsible({ ...responsible, [field]: event.target.value })} />
                ))}
              </div>
            </div>
          )}
          send={(file, head, columns, onProgress, signal) => importFile('Catalog.ImportItems', { parent, fileName: file.name, encoding: head.encoding === 'XLSX' ? '' : head.encoding, columns, randomListed, deriveChecklist, ...responsible }, file, onProgress, signal)}
          reportUrl={(done) => addressOf('Catalog.DownloadItemImportReport', { name: done.name })}
          after={
            <LinkButton type="primary" to="/items">{t('import.toItems')}</LinkButton>
          }
        />
      )}
    </>
  );
}
