import { App, Button, Form, Input } from 'antd';
import { call } from '../../api/client';
import { ErrorPanel } from '../../components/error-panel';
import { useFieldRefusals } from '../../components/field-refusals';
import { Facts, PageHead, Section } from '../../components/page';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatDay } from '../../lib/dates';
import { isStrongPassword } from '../../lib/password';
import { useMe, useOrganisationTitle } from '../../session';

interface PasswordForm {
  oldPassword: string;
  newPassword: string;
  repeat: string;
}

/** The person signed in, and the password. */
export default function Account() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { message } = App.useApp();
  const [form] = Form.useForm<PasswordForm>();
  const { busy, error, run, clear } = useAct();
  useFieldRefusals(form, error, { WRONG_PASSWORD: 'oldPassword', LOCKED_OUT: 'oldPassword', WEAK_PASSWORD: 'newPassword' });

  // The contract takes no request id here; a repeated change fails on the old password and harms nothing.
  const change = async ({ oldPassword, newPassword }: PasswordForm) => {
    const done = await run('password', async () => {
      await call('Identity.ChangePassword', { oldPassword, newPassword });
    });
    if (!done) return;
    form.resetFields();
    void message.success(t('account.changed'));
  };

  return (
    <>
      <PageHead title={t('account.title')} lead={`${me.user.realName} · ${titleOf(me.organisation)}`} />
      <Section>
        <Facts
          facts={[
            [t('users.username'), me.user.username],
            [t('users.realName'), me.user.realName],
            [t('users.roles'), me.roles.map((role) => tEnum('role.', role)).join(lang === 'zh' ? '、' : ', ')],
            [t('users.certNumber'), me.user.certificate?.number],
            [t('users.certExpire'), me.user.certificate && formatDay(me.user.certificate.expireDate, lang)],
          ]}
        />
      </Section>
      <Section title={t('account.password')}>
        <Form<PasswordForm> form={form} name="password" layout="vertical" className="form-narrow" onValuesChange={clear} onFinish={(values) => void change(values)}>
          <input type="text" hidden autoComplete="username" readOnly value={me.user.username} />
          <Form.Item name="oldPassword" label={t('account.old')} rules={[{ required: true, message: t('field.required') }]}>
            <Input.Password autoComplete="current-password" />
          </Form.Item>
          <Form.Item
            name="newPassword"
            label={t('account.new')}
            extra={t('account.newHint')}
            rules={[{ required: true, validator: (_, value: string | undefined) => (isStrongPassword(value ?? '') ? Promise.resolve() : Promise.reject(new Error(t('account.newHint')))) }]}
          >
            <Input.Password autoComplete="new-password" />
          </Form.Item>
          <Form.Item
            name="repeat"
            label={t('account.repeat')}
            dependencies={['newPassword']}
            rules={[
              ({ getFieldValue }) => ({
                required: true,
                validator: (_, value: string | undefined) => (value === getFieldValue('newPassword') ? Promise.resolve() : Promise.reject(new Error(t('account.differs')))),
              }),
            ]}
          >
            <Input.Password autoComplete="new-password" />
          </Form.Item>
          {error && <ErrorPanel error={error} />}
          <Button type="primary" htmlType="submit" loading={busy}>
            {t('account.password')}
          </Button>
        </Form>
      </Section>
    </>
  );
}
