import { Input, Select } from 'antd';
import { useState } from 'react';
import { addressOf, call } from '../../api/client';
import { importFile } from '../../api/resumable';
import { LinkButton } from '../../components/link-button';
import { MayNot, PageHead } from '../../components/page';
import { UploadWizard } from '../../components/upload/wizard';
import { useI18n } from '../../i18n';
import { subjectFields } from '../../lib/columns';
import { districtCodes, districtName } from '../../lib/districts';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';

/** Uploading a register of subjects (art. 13, 24). */
export default function SubjectUpload() {
  const { t, lang } = useI18n();
  const me = useMe();
  const { session } = useSessionState();
  const titleOf = useOrganisationTitle();
  const parent = me.organisation;
  const own = session?.organisation?.district ?? '';
  const [reason, setReason] = useState('');
  const [district, setDistrict] = useState(districtCodes.includes(own) ? own : '');

  return (
    <>
      <PageHead title={t('import.title')} lead={titleOf(parent)} />
      {!me.may('Registers.ImportSubjects') ? (
        <MayNot method="Registers.ImportSubjects" />
      ) : (
        <UploadWizard
          kind="subjects"
          fields={subjectFields}
          needed={['key', 'title']}
          check={(mapped) => (mapped['district'] || district ? null : `${t('import.defaultDistrict')}：${t('field.required')}`)}
          options={() => (
            <div className="map-field form-narrow">
              <span>{t('import.defaultDistrict')}</span>
              <Select aria-label={t('import.defaultDistrict')} value={district || undefined} onChange={setDistrict} placeholder={t('import.defaultDistrict')} options={districtCodes.map((code) => ({ value: code, label: `${districtName(code, lang)} ${code}` }))} />
              <span className="muted">{t('import.defaultDistrictHint')}</span>
              <span>{t('import.reasonLabel')}</span>
              <Input aria-label={t('import.reasonLabel')} value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
              <span className="muted">{t('import.reasonHint')}</span>
            </div>
          )}
          send={(file, head, columns, onProgress, signal) =>
            importFile('Registers.ImportSubjects', { parent, fileName: file.name, encoding: head.encoding === 'XLSX' ? '' : head.encoding, columns, defaultDistrict: district, reason: reason.trim() }, file, onProgress, signal)
          }
          soFar={async (fileName, signal) => {
            const { imports } = await call('Registers.ListImports', { parent, pageSize: 5 }, signal);
            return imports.find((one) => one.state === 'IMPORT_STATE_RUNNING' && one.fileName === fileName) ?? null;
          }}
          reportUrl={(done) => addressOf('Registers.DownloadImportReport', { name: done.name })}
          after={
            <LinkButton type="primary" to="/subjects">{t('import.toRegister')}</LinkButton>
          }
        />
      )}
    </>
  );
}
