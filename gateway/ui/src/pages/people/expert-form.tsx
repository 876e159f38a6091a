import { Button, Form, Input, Select } from 'antd';
import { call } from '../../api/client';
import type { Expert, Interest } from '../../api/contract/draws';
import { inLanguage } from '../../components/field-refusals';
import { FormModal } from '../../components/form-modal';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { districtCodes, districtName } from '../../lib/districts';
import { specialties } from '../../lib/specialties';
import { useMe } from '../../session';

interface Written {
  key: string;
  realName: string;
  employer: string;
  specialties: string[];
  districts: string[];
  interests: Interest[];
  reason?: string;
}

/** Registers an expert, or changes one that was read before. */
export function ExpertForm({ expert, onClose, onSaved }: { expert?: Expert; onClose: () => void; onSaved: (saved: Expert) => void }) {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const [form] = Form.useForm<Written>();
  const { busy, error, run, clear } = useAct();
  const title = expert ? t('experts.edit', { key: expert.key }) : t('experts.register');

  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const { reason, ...content } = given;
    const written = { ...content, interests: (content.interests ?? []).map((one) => ({ title: one.title.trim(), subject: (one.subject ?? '').trim(), relation: (one.relation ?? '').trim() })) };
    const done = await run([expert?.etag, written, reason], async (requestId) => {
      onSaved(
        expert
          ? await call('Experts.UpdateExpert', { expert: { ...written, name: expert.name, etag: expert.etag }, reason: reason?.trim(), requestId })
          : await call('Experts.CreateExpert', { parent: me.organisation, expert: written, reason: reason?.trim(), requestId }),
      );
    });
    if (done) onClose();
  };

  const required = [{ required: true, whitespace: true, message: t('field.required') }];
  // The list of interests is no single field.
  const interests = error?.violations.find((one) => one.field.startsWith('expert.interests'));
  return (
    <FormModal
      title={title}
      okText={t(expert ? 'act.save' : 'experts.register')}
      form={form}
      name="expert"
      busy={busy}
      error={error}
      width={720}
      places={{ REGISTER_GUARDED: 'reason', EXPERT_KEY_IS_IDENTITY: 'key', EXPERT_KEY_TAKEN: 'key' }}
      initialValues={expert ?? { specialties: [], districts: [], interests: [] }}
      onValuesChange={clear}
      onClose={onClose}
      onSubmit={save}
    >
      {!expert && (
        <Form.Item name="key" label={t('experts.key')} rules={required} extra={t('experts.keyHint')}>
          <Input maxLength={64} autoComplete="off" />
        </Form.Item>
      )}
      <Form.Item name="realName" label={t('experts.name')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
        <Input maxLength={50} autoComplete="off" />
      </Form.Item>
      <Form.Item name="employer" label={t('experts.employer')} rules={required}>
        <Input maxLength={200} />
      </Form.Item>
      <Form.Item name="specialties" label={t('experts.specialties')} extra={t('experts.specialtiesHint')}>
        <Select mode="tags" tokenSeparators={[',', '、', ' ']} options={specialties.map((value) => ({ value, label: tEnum('specialty.', value) }))} />
      </Form.Item>
      <Form.Item name="districts" label={t('experts.districts')}>
        <Select mode="multiple" optionFilterProp="label" options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} />
      </Form.Item>
      <Form.Item label={t('experts.interests')} validateStatus={interests ? 'error' : undefined} help={interests ? inLanguage(interests.description, lang) : t('experts.interestsHint')}>
        <Form.List name="interests">
          {(lines, { add, remove }) => (
            <>
              {lines.map((line) => (
                <div key={line.key} className="interest-row">
                  <Form.Item name={[line.name, 'title']} noStyle rules={required}>
                    <Input maxLength={200} placeholder={t('experts.interestTitle')} aria-label={t('experts.interestTitle')} />
                  </Form.Item>
                  <Form.Item name={[line.name, 'subject']} noStyle>
                    <Input maxLength={64} placeholder={t('experts.interestSubject')} aria-label={t('experts.interestSubject')} />
                  </Form.Item>
                  <Form.Item name={[line.name, 'relation']} noStyle>
                    <Input maxLength={50} placeholder={t('experts.interestRelation')} aria-label={t('experts.interestRelation')} />
                  </Form.Item>
                  <Button onClick={() => remove(line.name)}>{t('act.remove')}</Button>
                </div>
              ))}
              <Button onClick={() => add({ title: '', subject: '', relation: '' })}>{t('experts.addInterest')}</Button>
            </>
          )}
        </Form.List>
      </Form.Item>
      <Form.Item name="reason" label={t('import.reasonLabel')} extra={t('experts.reasonHint')}>
        <Input maxLength={500} autoComplete="off" />
      </Form.Item>
    </FormModal>
  );
}
