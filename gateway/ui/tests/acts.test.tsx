import { act, renderHook } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { call, setCsrfToken, setOnSignedOut } from '../src/api/client';
import { ApiError, noAnswer } from '../src/api/errors';
import { allRows } from '../src/api/pages';
import { useAct } from '../src/components/use-act';

afterEach(() => vi.unstubAllGlobals());

describe('an act', () => {
  it('is repeated under the same id after a lost answer, and under a new one after a refusal', async () => {
    const { result } = renderHook(() => useAct());
    const ids: string[] = [];
    const fail = (error: Error) => (id: string) => {
      ids.push(id);
      return Promise.reject(error);
    };
    const refused = new ApiError(400, 9, 'WRONG_STATE', '', '', {}, '', [], '');
    await act(() => result.current.run({ a: 1 }, fail(noAnswer())));
    expect(result.current.error?.reason).toBe('NO_CONNECTION');
    await act(() => result.current.run({ a: 1 }, fail(noAnswer())));
    await act(() => result.current.run({ a: 2 }, fail(refused)));
    await act(() => result.current.run({ a: 2 }, fail(refused)));
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
  });
});

describe('the client', () => {
  const answer = (status: number, body: string) => vi.fn<typeof fetch>(() => Promise.resolve(new Response(body, { status })));

  it('sends the page token with what changes something, and only then', async () => {
    setCsrfToken('token');
    const fetched = answer(200, '{"name":"plans/1"}');
    vi.stubGlobal('fetch', fetched);
    await call('Plans.GetPlan', { name: 'plans/1' });
    await call('Plans.SubmitPlan', { name: 'plans/1' });
    expect(fetched.mock.calls.map(([, init]) => new Headers(init?.headers).get('x-csrf-token'))).toEqual([null, 'token']);
  });

  it('states the purpose of reading personal data, and nothing where none is read', async () => {
    const fetched = answer(200, '{}');
    vi.stubGlobal('fetch', fetched);
    await call('Experts.GetExpert', { name: 'organisations/market/experts/KF-1' }, undefined, '年度核对');
    await call('Plans.GetPlan', { name: 'plans/1' });
    expect(fetched.mock.calls.map(([, init]) => new Headers(init?.headers).get('x-purpose'))).toEqual([encodeURIComponent('年度核对'), null]);
  });

  it('says that nobody is signed in, but not for a wrong password', async () => {
    const out = vi.fn();
    setOnSignedOut(out);
    vi.stubGlobal('fetch', answer(401, ''));
    await expect(call('Sessions.SignIn', { username: 'a', password: 'b' })).rejects.toMatchObject({ status: 401 });
    expect(out).not.toHaveBeenCalled();
    await expect(call('Plans.ListPlans', {})).rejects.toMatchObject({ reason: 'NOT_SIGNED_IN' });
    expect(out).toHaveBeenCalledOnce();
  });

  it('tells a lost connection and a cut answer from a refusal', async () => {
    vi.stubGlobal('fetch', vi.fn(() => Promise.reject(new TypeError('network'))));
    await expect(call('Plans.ListPlans', {})).rejects.toMatchObject({ reason: 'NO_CONNECTION' });
    vi.stubGlobal('fetch', answer(200, '{"plans":['));
    await expect(call('Plans.ListPlans', {})).rejects.toMatchObject({ reason: 'BAD_ANSWER' });
  });
});

describe('walking pages', () => {
  it('ends at the last page, or at the edge, and says so', async () => {
    const load = (token: string) => Promise.resolve({ rows: [Number(token || 0)], nextPageToken: token === '4' ? '' : String(Number(token || 0) + 1) });
    expect(await allRows(load, 10)).toEqual({ rows: [0, 1, 2, 3, 4], more: false });
    expect(await allRows(load, 3)).toEqual({ rows: [0, 1, 2], more: true });
  });
});
