import { App, DatePicker, Form, Input, Modal, Select } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { call } from '../../api/client';
import type { User } from '../../api/contract/identity';
import { enterTakesDate } from '../../components/enter-in-pickers';
import { ErrorPanel } from '../../components/error-panel';
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

  // A refusal stands beside the field it is about, as well as below with its article.
  const about = (field: string) => (error?.violations.some((one) => one.field === `certificate.${field}`) ? ('error' as const) : undefined);
  const help = (field: string) => (about(field) && error ? (lang === 'zh' ? error.messageZh : error.messageEn) : undefined);
  const reload = () => {
    onSaved();
    onClose();
  };
  return (
    <Modal open title={`${t('users.certSet')} ${user.realName}`} okText={t('act.save')} cancelText={t('act.cancel')} confirmLoading={busy} onOk={() => void save()} onCancel={onClose} mask={{ closable: false }}>
      <p className="muted">{t('users.certSetLead')}</p>
      <Form<Written>
        form={form}
        layout="vertical"
        name="certificate"
        onKeyDown={enterTakesDate}
        onValuesChange={clear}
        initialValues={{ number: now?.number, expire: now?.expireDate ? dayjs(now.expireDate) : undefined, districts: now?.districts ?? [], specialties: now?.specialties ?? [] }}
      >
        <Form.Item name="number" label={t('users.certNumber')} extra={t('users.certNumberFixed')} validateStatus={about('number')} help={help('number')}>
          <Input readOnly />
        </Form.Item>
        <Form.Item name="expire" label={t('users.certExpire')} rules={[{ required: true, message: t('field.required') }]} validateStatus={about('expire_date')} help={help('expire_date')}>
          <DatePicker className="wide" format={lang === 'zh' ? 'YYYY年M月D日 (ddd)' : 'ddd, D MMM YYYY'} />
        </Form.Item>
        <Form.Item name="districts" label={t('users.certDistricts')} validateStatus={about('districts')} help={help('districts')}>
          <Select mode="multiple" options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} showSearch={{ optionFilterProp: 'label' }} />
        </Form.Item>
        <Form.Item name="specialties" label={t('users.certSpecialties')} extra={t('users.certSpecialtiesHint')} validateStatus={about('specialties')} help={help('specialties')}>
          <Select mode="tags" options={specialties.map((value) => ({ value, label: tEnum('specialty.', value) }))} tokenSeparators={[',', ' ', '，']} />
        </Form.Item>
        <Form.Item name="reason" label={t('field.reason')} rules={[{ required: true, whitespace: true, min: 2, message: t('field.reasonShort') }]}>
          <Input.TextArea rows={2} maxLength={500} showCount />
        </Form.Item>
      </Form>
      {error && <ErrorPanel error={error} onRetry={error.stale ? reload : undefined} />}
    </Modal>
  );
}
