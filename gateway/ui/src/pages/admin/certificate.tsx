import { App, DatePicker, Form, Input, Select } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { call } from '../../api/client';
import type { User } from '../../api/contract/identity';
import { FormModal } from '../../components/form-modal';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { districtCodes, districtName } from '../../lib/districts';
import { specialties } from '../../lib/specialties';

interface Written {
  number: string;
  expire: Dayjs;
  districts: string[];
  specialties: string[];
  reason: string;
}

/** Changes what the certificate of a user says: last day, districts, specialties (art. 13). The number stays. */
export function CertificateForm({ user, onClose, onSaved }: { user: User; onClose: () => void; onSaved: () => void }) {
  const { t, tEnum, lang } = useI18n();
  const { message } = App.useApp();
  const [form] = Form.useForm<Written>();
  const { busy, error, run, clear } = useAct();
  const now = user.certificate;

  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const certificate = { number: now?.number ?? '', expireDate: given.expire.format('YYYY-MM-DD'), districts: given.districts, specialties: given.specialties };
    const change = { name: user.name, etag: user.etag, certificate, reason: given.reason.trim() };
    const done = await run(change, async (requestId) => {
      await call('Identity.SetCertificate', { ...change, requestId });
    });
    if (!done) return;
    void message.success(t('users.certSaved'));
    onSaved();
    onClose();
  };

  const reload = () => {
    onSaved();
    onClose();
  };
  return (
    <FormModal<Written>
      title={`${t('users.certSet')} ${user.realName}`}
      okText={t('act.save')}
      form={form}
      name="certificate"
      busy={busy}
      error={error}
      places={{ expire_date: 'expire', CERTIFICATE_NEEDED: 'expire' }}
      lead={<p className="muted">{t('users.certSetLead')}</p>}
      initialValues={{ number: now?.number, expire: now?.expireDate ? dayjs(now.expireDate) : undefined, districts: now?.districts ?? [], specialties: now?.specialties ?? [] }}
      onValuesChange={clear}
      onClose={onClose}
      onReload={reload}
      onSubmit={save}
    >
      <Form.Item name="number" label={t('users.certNumber')} extra={t('users.certNumberFixed')}>
        <Input readOnly />
      </Form.Item>
      <Form.Item name="expire" label={t('users.certExpire')} rules={[{ required: true, message: t('field.required') }]}>
        <DatePicker className="wide" format={lang === 'zh' ? 'YYYY年M月D日 (ddd)' : 'ddd, D MMM YYYY'} />
      </Form.Item>
      <Form.Item name="districts" label={t('users.certDistricts')}>
        <Select mode="multiple" options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} showSearch={{ optionFilterProp: 'label' }} />
      </Form.Item>
      <Form.Item name="specialties" label={t('users.certSpecialties')} extra={t('users.certSpecialtiesHint')}>
        <Select mode="tags" options={specialties.map((value) => ({ value, label: tEnum('specialty.', value) }))} tokenSeparators={[',', ' ', '，']} />
      </Form.Item>
      <Form.Item name="reason" label={t('field.reason')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
        <Input.TextArea rows={2} maxLength={500} showCount />
      </Form.Item>
    </FormModal>
  );
}
