import { act, cleanup, configure, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { call } from '../src/api/client';
import { useLoad } from '../src/api/use-load';
import { LanguageProvider } from '../src/i18n';
import { SessionProvider, useSessionState } from '../src/session';

// No test may depend on how fast the machine is.
const patienceMs = 60_000;
configure({ asyncUtilTimeout: patienceMs });

afterEach(() => {
  vi.unstubAllGlobals();
  cleanup();
});

function Who() {
  const { session, expired } = useSessionState();
  return <p>{session ? `signed in: ${session.user?.realName}${expired ? ', expired' : ''}` : 'nobody'}</p>;
}

function start(status: number, body: unknown) {
  const answer = (path: string) => (path.includes('/v1/session') ? new Response(JSON.stringify(body), { status }) : new Response('{"organisations":[],"nextPageToken":""}'));
  vi.stubGlobal('fetch', vi.fn((request: string) => Promise.resolve(answer(String(request)))));
  render(
    <LanguageProvider>
      <SessionProvider>
        <Who />
      </SessionProvider>
    </LanguageProvider>,
  );
}

describe('a start of the portal', { timeout: 2 * patienceMs }, () => {
  it('knows a visitor by a session without a user', async () => {
    start(200, { csrfToken: '', demonstration: true });
    expect(await screen.findByText('nobody')).toBeTruthy();
  });

  it('goes on with the session the cookie belongs to', async () => {
    start(200, { user: { name: 'users/1', realName: '李静', roles: [] }, csrfToken: 'token', demonstration: true });
    expect(await screen.findByText('signed in: 李静')).toBeTruthy();
  });

  it('shows a refusal instead of a form that could not work', async () => {
    start(503, { code: 14, message: 'later', details: [] });
    expect((await screen.findByRole('alert')).textContent).toBeTruthy();
    expect(screen.queryByText('nobody')).toBeNull();
  });

  it('keeps the page when the session ends, and loads what was kept back once somebody has signed in again', async () => {
    let open = false;
    const person = { user: { name: 'users/1', realName: '李静', roles: [] }, csrfToken: 'token', demonstration: true };
    vi.stubGlobal('fetch', vi.fn((request: string) => {
      if (String(request).includes('/v1/session')) return Promise.resolve(new Response(JSON.stringify(person)));
      if (String(request).includes('/v1/plans')) return Promise.resolve(open ? new Response('{"plans":[]}') : new Response('', { status: 401 }));
      return Promise.resolve(new Response('{"organisations":[],"nextPageToken":""}'));
    }));
    let again = () => undefined as void;
    function Plans() {
      const { signIn } = useSessionState();
      again = () => signIn(person as never);
      const { data } = useLoad('plans', (signal) => call('Plans.ListPlans', {}, signal));
      return <><input aria-label="理由" /><p>{data ? 'loaded' : 'waiting'}</p></>;
    }
    render(
      <LanguageProvider>
        <SessionProvider>
          <Who />
          <Plans />
        </SessionProvider>
      </LanguageProvider>,
    );
    await screen.findByText('signed in: 李静, expired');
    const field = screen.getByLabelText<HTMLInputElement>('理由');
    field.value = '已经写了很久';
    open = true;
    act(() => again());
    await screen.findByText('loaded');
    expect(screen.getByText('signed in: 李静')).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>('理由')).toBe(field);
    expect(field.value).toBe('已经写了很久');
  });
});
