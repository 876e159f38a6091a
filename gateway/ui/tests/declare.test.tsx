import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { App } from 'antd';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LanguageProvider } from '../src/i18n';
import { Declare } from '../src/pages/people/declare';

const calls = vi.hoisted(() => vi.fn<(method: string, request: object) => Promise<object>>(() => Promise.resolve({ subjects: [] })));
vi.mock('../src/api/client', async (original) => ({ ...(await original<object>()), call: calls }));
vi.mock('../src/session', () => ({ useMe: () => ({ organisation: 'organisations/market' }) }));

afterEach(() => {
  cleanup();
  calls.mockClear();
});

function show(standing: string[]) {
  const done = vi.fn();
  render(
    <LanguageProvider>
      <App>
        <Declare person="4102-001" expert={false} year={2026} standing={standing} onClose={() => undefined} onDone={done} />
      </App>
    </LanguageProvider>,
  );
  return done;
}

const send = () => fireEvent.click(screen.getByRole('button', { name: '作出申报' }));
const sent = () => calls.mock.calls.filter(([method]) => method === 'People.CreateDeclaration').map(([, request]) => request);

/** A machine under load takes long to draw a dialog; only one that hangs fails. */
const patience = { timeout: 60_000 };

describe('a yearly declaration', { timeout: 120_000 }, () => {
  it('says none only where nothing stands, and is sent once chosen', async () => {
    const done = show([]);
    send();
    await screen.findByText('此项必填', {}, patience);
    expect(sent()).toHaveLength(0);
    fireEvent.click(screen.getByRole('radio', { name: '本人与任何检查对象均无利害关系' }));
    send();
    await waitFor(() => expect(done).toHaveBeenCalledOnce(), patience);
    expect(sent()[0]).toMatchObject({ declaration: { person: '4102-001', expert: false, year: 2026 }, none: true, confirms: false, additions: [] });
  });

  it('confirms what stands, and cannot leave it out', async () => {
    const done = show(['site:1']);
    expect(screen.getByRole<HTMLInputElement>('radio', { name: '本人与任何检查对象均无利害关系' }).disabled).toBe(true);
    send();
    await screen.findByText(/请确认/, {}, patience);
    expect(sent()).toHaveLength(0);
    fireEvent.click(await screen.findByRole('checkbox', {}, patience));
    send();
    await waitFor(() => expect(done).toHaveBeenCalledOnce(), patience);
    expect(sent()[0]).toMatchObject({ none: false, confirms: true });
  });
});
