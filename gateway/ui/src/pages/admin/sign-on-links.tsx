import { App, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { SignOnLink, User } from '../../api/contract/identity';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { FormModal } from '../../components/form-modal';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { useSessionState } from '../../session';

interface Written {
  subject: string;
}

/** Accounts at the provider that stand for a user: shown, made, taken away (art. 27). */
export function SignOnLinks({ user, onClose }: { user: User; onClose: () => void }) {
  const { t, lang } = useI18n();
  const { provider } = useSessionState();
  const { message } = App.useApp();
  const [form] = Form.useForm<Written>();
  const { busy, error, run, clear } = useAct();
  const [asked, setAsked] = useState<SignOnLink | null>(null);
  const loaded = useLoad(user.name, (signal) => call('SignOns.ListSignOnLinks', { parent: user.name }, signal));

  const save = async () => {
    const given = await form.validateFields().catch(() => null);
    if (!given) return;
    const link = { parent: user.name, subject: given.subject.trim() };
    const done = await run(link, async (requestId) => {
      await call('SignOns.CreateSignOnLink', { ...link, requestId });
    });
    if (!done) return;
    void message.success(t('users.linkMade'));
    form.resetFields();
    loaded.reload();
  };

  return (
    <FormModal<Written>
      title={`${t('users.links')} ${user.realName}`}
      okText={t('users.linkMake')}
      form={form}
      name="sign-on-link"
      busy={busy}
      error={error ?? loaded.error}
      places={{ subject: 'subject', SIGN_ON_LINKED: 'subject' }}
      lead={<p className="muted">{t('users.linksLead', { provider: lang === 'zh' ? provider.zh : provider.en })}</p>}
      initialValues={{ subject: '' }}
      onValuesChange={clear}
      onClose={onClose}
      onReload={loaded.reload}
      onSubmit={save}
    >
      <ul className="plain">
        {(loaded.data?.links ?? []).map((link) => (
          <li key={link.name}>
            <code>{link.subject}</code> <small className="muted">{`${link.issuer} ${formatTime(link.createTime, lang)}`}</small>{' '}
            <Button size="small" danger onClick={() => setAsked(link)} aria-label={`${t('users.linkEnd')} ${link.subject}`}>
              {t('users.linkEnd')}
            </Button>
          </li>
        ))}
      </ul>
      <Form.Item name="subject" label={t('users.linkSubject')} extra={t('users.linkSubjectHint')} rules={[{ required: true, whitespace: true, message: t('field.required') }]}>
        <Input maxLength={255} autoComplete="off" />
      </Form.Item>
      <Confirm
        open={asked !== null}
        title={`${t('users.linkEnd')} ${asked?.subject ?? ''}`}
        okText={t('users.linkEnd')}
        content={[asked?.name]}
        danger
        onClose={() => setAsked(null)}
        onReload={loaded.reload}
        act={async () => {
          await call('SignOns.DeleteSignOnLink', { name: asked?.name ?? '' });
          void message.success(t('users.linkEnded'));
          loaded.reload();
        }}
      >
        <p>{t('users.linkEndAsk')}</p>
      </Confirm>
    </FormModal>
  );
}
