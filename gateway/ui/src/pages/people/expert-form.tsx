import { Button, Form, Input, Modal, Select } from 'antd';
import { call } from '../../api/client';
import type { Expert, Interest } from '../../api/contract/draws';
import { ErrorPanel } from '../../components/error-panel';
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
  // A refusal stands beside the field it is about, as well as below with its article.
  const about = (field: string) => (error && (error.violations.some((one) => one.field === `expert.${field}`) || (field === 'key' && error.reason.startsWith('EXPERT_KEY'))) ? ('error' as const) : undefined);
  const help = (field: string, hint?: string) => (about(field) && error ? (lang === 'zh' ? error.messageZh : error.messageEn) : hint);
  const reasonRefused = error && (error.reason === 'REGISTER_GUARDED' || error.violations.some((one) => one.field === 'reason'));
  return (
    <Modal open title={title} width={720} okText={t(expert ? 'act.save' : 'experts.register')} cancelText={t('act.cancel')} confirmLoading={busy} onOk={() => void save()} onCancel={onClose} mask={{ closable: false }}>
      <Form form={form} layout="vertical" name="expert" initialValues={expert ?? { specialties: [], districts: [], interests: [] }} onValuesChange={clear}>
        {!expert && (
          <Form.Item name="key" label={t('experts.key')} rules={required} validateStatus={about('key')} help={help('key', t('experts.keyHint'))}>
            <Input maxLength={64} autoComplete="off" />
          </Form.Item>
        )}
        <Form.Item name="realName" label={t('experts.name')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]} validateStatus={about('real_name')}>
          <Input maxLength={50} autoComplete="off" />
        </Form.Item>
        <Form.Item name="employer" label={t('experts.employer')} rules={required} validateStatus={about('employer')}>
          <Input maxLength={200} />
        </Form.Item>
        <Form.Item name="specialties" label={t('experts.specialties')} validateStatus={about('specialties')} help={help('specialties', t('experts.specialtiesHint'))}>
          <Select mode="tags" tokenSeparators={[',', '、', ' ']} options={specialties.map((value) => ({ value, label: tEnum('specialty.', value) }))} />
        </Form.Item>
        <Form.Item name="districts" label={t('experts.districts')} validateStatus={about('districts')} help={help('districts')}>
          <Select mode="multiple" optionFilterProp="label" options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} />
        </Form.Item>
        <Form.Item label={t('experts.interests')} validateStatus={about('interests')} help={help('interests', t('experts.interestsHint'))}>
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
        <Form.Item name="reason" label={t('import.reasonLabel')} validateStatus={reasonRefused ? 'error' : undefined} help={reasonRefused && error ? (lang === 'zh' ? error.messageZh : error.messageEn) : t('experts.reasonHint')}>
          <Input maxLength={500} autoComplete="off" />
        </Form.Item>
      </Form>
      {error && <div style={{ marginTop: 16 }}><ErrorPanel error={error} /></div>}
    </Modal>
  );
}
