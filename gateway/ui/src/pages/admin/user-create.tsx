import { Button, Checkbox, DatePicker, Form, Input, Select } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { call } from '../../api/client';
import type { Role } from '../../api/contract/access';
import type { CreateUserResponse } from '../../api/contract/identity';
import { enterTakesDate } from '../../components/enter-in-pickers';
import { ErrorPanel } from '../../components/error-panel';
import { useFieldRefusals, type Places } from '../../components/field-refusals';
import { LinkButton } from '../../components/link-button';
import { NotForYou } from '../../components/not-for-you';
import { PageHead, Section } from '../../components/page';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { districtCodes, districtName } from '../../lib/districts';
import { grantable } from '../../lib/roles';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';
import { ShownOnce } from './shown-once';

interface UserForm {
  organisation: string;
  username: string;
  realName: string;
  roles: Role[];
  verification?: string;
  certNumber?: string;
  certExpire?: Dayjs;
  certDistricts?: string[];
  certSpecialties?: string[];
}

/** Where a refusal stands: the certificate's fields are named by what they hold. */
const places: Places = {
  'certificate.number': 'certNumber', 'certificate.expire_date': 'certExpire', 'certificate.districts': 'certDistricts', 'certificate.specialties': 'certSpecialties',
  REAL_NAME_NEEDED: 'realName', SHARED_ACCOUNT: 'realName', WIDER_RIGHTS: 'roles', ADMINS_SEPARATE: 'roles', CERTIFICATE_NEEDED: 'certNumber', NOT_FOUND: 'organisation',
};

/** Registering a user under the real name (art. 27). */
export default function UserCreate() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { organisations } = useSessionState();
  const titleOf = useOrganisationTitle();
  const navigate = useNavigate();
  const [form] = Form.useForm<UserForm>();
  const officer = Form.useWatch('roles', form)?.includes('ROLE_OFFICER') ?? false;
  const { busy, error, run, clear } = useAct();
  // What exists already is the sign-in name, or the number of a certificate that somebody else holds.
  const taken = error?.reason === 'ALREADY_EXISTS' && error.metadata['name'] === (form.getFieldValue('certNumber') as string | undefined)?.trim();
  useFieldRefusals(form, error, { ...places, ALREADY_EXISTS: taken ? 'certNumber' : 'username' });
  const [created, setCreated] = useState<CreateUserResponse | null>(null);
  if (!me.may('Identity.CreateUser')) return <NotForYou title={t('users.new')} method="Identity.CreateUser" />;
  const operator = me.roles.includes('ROLE_PLATFORM_OPERATOR');
  const text = [{ required: true, whitespace: true, message: t('field.required') }];

  const create = async (values: UserForm) => {
    const user = {
      organisation: values.organisation,
      username: values.username.trim(),
      realName: values.realName.trim(),
      roles: values.roles,
      ...(officer
        ? { certificate: { number: values.certNumber?.trim(), expireDate: values.certExpire?.format('YYYY-MM-DD'), districts: values.certDistricts ?? [], specialties: values.certSpecialties ?? [] } }
        : {}),
    };
    const verification = values.verification?.trim() ?? '';
    await run([user, verification], async (requestId) => {
      setCreated(await call('Identity.CreateUser', { user, verification, requestId }));
    });
  };

  return (
    <>
      <PageHead title={t('users.new')} lead={t('users.lead')} />
      <Form<UserForm> form={form} name="user" layout="vertical" className="form" onKeyDown={enterTakesDate} onValuesChange={clear} initialValues={{ organisation: me.organisation, roles: [], verification: t('users.verificationUsual') }} onFinish={(values) => void create(values)} scrollToFirstError={{ focus: true }}>
        <Section>
          <Form.Item name="organisation" label={t('field.organisation')} rules={text}>
            <Select disabled={!operator && !me.roles.includes('ROLE_DISTRICT_ADMIN')} options={(organisations.length > 0 ? organisations : [{ name: me.organisation }]).map((one) => ({ value: one.name, label: titleOf(one.name) }))} showSearch={{ optionFilterProp: 'label' }} />
          </Form.Item>
          <div className="form-row">
            <Form.Item name="realName" label={t('users.realName')} rules={text}>
              <Input maxLength={50} autoComplete="off" />
            </Form.Item>
            <Form.Item name="username" label={t('users.username')} rules={text}>
              <Input maxLength={64} autoComplete="off" autoCapitalize="none" spellCheck={false} />
            </Form.Item>
          </div>
          <Form.Item name="verification" label={t('users.verification')} extra={t('users.verificationCreateHint')}>
            <Input maxLength={500} />
          </Form.Item>
          <Form.Item
            name="roles"
            label={
              <>
                <span className="must">*</span>&nbsp;{t('users.roles')}
              </>
            }
            required={false}
            rules={[{ validator: (_, roles: Role[]) => (roles.length > 0 ? Promise.resolve() : Promise.reject(new Error(t('field.required')))) }]}
          >
            <Checkbox.Group className="role-boxes" options={grantable(me.roles).map((role) => ({ value: role, label: tEnum('role.', role) }))} />
          </Form.Item>
          {officer && (
            <>
              <div className="form-row">
                <Form.Item name="certNumber" label={t('users.certNumber')} extra={t('users.certNumberHint')} rules={[{ required: true, pattern: /^[0-9A-Za-z:/._-]{1,64}$/, message: t('users.certNumberHint') }]}>
                  <Input maxLength={64} />
                </Form.Item>
                <Form.Item name="certExpire" label={t('users.certExpire')} rules={[{ required: true, message: t('field.required') }]}>
                  <DatePicker className="wide" format={lang === 'zh' ? 'YYYY年M月D日 (ddd)' : 'ddd, D MMM YYYY'} />
                </Form.Item>
              </div>
              <Form.Item name="certDistricts" label={t('users.certDistricts')}>
                <Select mode="multiple" options={districtCodes.map((code) => ({ value: code, label: districtName(code, lang) }))} showSearch={{ optionFilterProp: 'label' }} />
              </Form.Item>
              <Form.Item name="certSpecialties" label={t('users.certSpecialties')} extra={t('users.certSpecialtiesHint')}>
                <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ', '，']} />
              </Form.Item>
            </>
          )}
        </Section>
        {error && <ErrorPanel error={error} />}
        <div className="form-acts">
          <Button type="primary" htmlType="submit" loading={busy}>
            {t('users.new')}
          </Button>
          <LinkButton to="/users">{t('act.cancel')}</LinkButton>
        </div>
      </Form>
      {created && (
        <ShownOnce
          title={t('users.createdTitle')}
          values={[
            [t('users.username'), created.user?.username ?? ''],
            [t('users.firstPassword'), created.password],
          ]}
          onClose={() => void navigate('/users')}
        />
      )}
    </>
  );
}
