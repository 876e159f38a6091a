import { Button, Card, Form, Input, Modal } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { call } from '../api/client';
import { toApiError, type ApiError } from '../api/errors';
import { LanguageSwitch, Mark } from '../components/brand';
import { ErrorPanel } from '../components/error-panel';
import { useI18n } from '../i18n';
import { useSessionState } from '../session';

/** Where the provider sends browsers back to. */
const signOnPath = '/sign-on';

/** The fields of signing in, and what came of it. */
function SignInForm() {
  const { t, lang } = useI18n();
  const { signIn, expired, provider } = useSessionState();
  const location = useLocation();
  const navigate = useNavigate();
  const [error, setError] = useState<ApiError | undefined>();
  const [busy, setBusy] = useState(false);

  const returned = useRef(false);
  useEffect(() => {
    if (location.pathname !== signOnPath || returned.current) return;
    returned.current = true;
    const given = new URLSearchParams(location.search);
    const [state, code] = [given.get('state') ?? '', given.get('code') ?? ''];
    setBusy(true);
    call('Sessions.FinishSignOn', { state, code }).then(
      async (session) => {
        await navigate('/', { replace: true });
        signIn(session);
      },
      async (thrown: unknown) => {
        setError(toApiError(thrown));
        setBusy(false);
        // What came back is good once: loading the page anew would only be refused again.
        await navigate('/', { replace: true });
      },
    );
  }, [location, navigate, signIn]);

  const signOn = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const begun = await call('Sessions.BeginSignOn', {});
      window.location.assign(begun.authorizationUrl);
    } catch (thrown) {
      setError(toApiError(thrown));
      setBusy(false);
    }
  };

  const submit = async (given: { username: string; password: string }) => {
    setBusy(true);
    setError(undefined);
    try {
      const session = await call('Sessions.SignIn', { username: given.username.trim(), password: given.password });
      if (location.pathname === '/signin') await navigate('/', { replace: true });
      signIn(session);
    } catch (thrown) {
      setError(toApiError(thrown));
      setBusy(false);
    }
  };

  return (
    <>
      {expired && !error && <p role="status">{t('signin.expired')}</p>}
      {error && <ErrorPanel error={error} />}
      <Form layout="vertical" requiredMark={false} onFinish={(given: { username: string; password: string }) => void submit(given)}>
        <Form.Item name="username" label={t('signin.username')} rules={[{ required: true, whitespace: true, message: t('field.required') }]}>
          <Input autoComplete="username" autoFocus autoCapitalize="none" spellCheck={false} size="large" />
        </Form.Item>
        <Form.Item name="password" label={t('signin.password')} rules={[{ required: true, message: t('field.required') }]}>
          <Input.Password autoComplete="current-password" size="large" />
        </Form.Item>
        <Button type="primary" htmlType="submit" size="large" block loading={busy}>
          {t('signin.submit')}
        </Button>
      </Form>
      {provider.zh && (
        <Button className="signin-on" size="large" block disabled={busy} onClick={() => void signOn()}>
          {t('signin.signOn', { provider: lang === 'zh' ? provider.zh : provider.en })}
        </Button>
      )}
    </>
  );
}

/** Signing in again over the page that is open, which keeps what was typed in it. */
export function SignInAgain() {
  const { t } = useI18n();
  return (
    <Modal open title={t('signin.title')} footer={null} closable={false} keyboard={false} mask={{ closable: false }} width={420}>
      <SignInForm />
    </Modal>
  );
}

/** Signing in. The address stays as it is, so that the page asked for comes next. */
export function SignIn() {
  const { t } = useI18n();
  return (
    <main className="signin">
      <div className="signin-lang">
        <LanguageSwitch />
      </div>
      <Card className="signin-card">
        <div className="signin-brand">
          <Mark />
          <div>
            <p className="brand-name">{t('app.name')}</p>
            <p className="muted">{t('app.subtitle')}</p>
          </div>
        </div>
        <h1>{t('signin.title')}</h1>
        <SignInForm />
        <p className="muted signin-note">
          {t('signin.realName')}{' '}
          <a href="/law#article-27" target="_blank" rel="noreferrer">
            {t('error.article', { n: 27 })}
          </a>
          <br />
          {t('signin.accounts')}
        </p>
      </Card>
      <p>
        <a href="/">{t('app.public')}</a>
      </p>
    </main>
  );
}
