import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { App } from 'antd';
import { MemoryRouter, Route, Routes } from 'react-router';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { MachineClient } from '../src/api/contract/identity';
import { ApiError } from '../src/api/errors';
import { LanguageProvider } from '../src/i18n';
import { Rotate } from '../src/pages/admin/machine';
import { ShownOnce } from '../src/pages/admin/shown-once';

const calls = vi.hoisted(() => vi.fn<(method: string, request: Record<string, unknown>) => Promise<object>>());
vi.mock('../src/api/client', async (original) => ({ ...(await original<object>()), call: calls }));

// jsdom lays nothing out.
vi.stubGlobal('ResizeObserver', class { observe() {} unobserve() {} disconnect() {} });

afterEach(() => {
  cleanup();
  calls.mockReset();
});

const client: MachineClient = {
  name: 'machineClients/a', title: '业务系统', organisation: 'organisations/market', state: 'MACHINE_CLIENT_STATE_ACTIVE', secrets: [{ createTime: '2026-11-01T00:00:00Z', lastUseAddress: '' }],
  reason: '', etag: '3', createTime: '2026-11-01T00:00:00Z', createdBy: 'users/a', lastUseAddress: '',
};

/** A machine under load takes long to draw a dialog; only one that hangs fails. */
const patience = { timeout: 60_000 };

function shown(children: React.ReactNode) {
  render(
    <LanguageProvider>
      <App>
        <MemoryRouter>
          <Routes>
            <Route path="*" element={children} />
          </Routes>
        </MemoryRouter>
      </App>
    </LanguageProvider>,
  );
}

describe('a rotation', { timeout: 120_000 }, () => {
  const rotate = () => fireEvent.click(screen.getByRole('button', { name: '轮换密钥' }));

  it('asks for a week of overlap unless something else is chosen, and hands the secret on once', async () => {
    const rotated = vi.fn();
    calls.mockResolvedValueOnce({ client, secret: 'new' });
    shown(<Rotate client={client} onClose={() => undefined} onReload={() => undefined} onRotated={rotated} />);
    expect(screen.getByText(/旧密钥有效至/)).toBeTruthy();
    rotate();
    await waitFor(() => expect(rotated).toHaveBeenCalledWith({ client, secret: 'new' }), patience);
    expect(calls.mock.calls).toHaveLength(1);
    expect(calls.mock.calls[0]).toMatchObject(['Identity.RotateMachineClientSecret', { name: 'machineClients/a', etag: '3', overlapHours: 168 }]);
  });

  it('shows the refusal with its article, and stays open', async () => {
    const rotated = vi.fn();
    const refused = new ApiError(400, 9, 'ROTATION_OPEN', '旧密钥仍然有效。', 'The old secret still works.', {}, '27', [], '');
    calls.mockRejectedValueOnce(refused);
    shown(<Rotate client={client} onClose={() => undefined} onReload={() => undefined} onRotated={rotated} />);
    rotate();
    const panel = await screen.findByText('旧密钥仍然有效。', undefined, patience);
    expect(panel.closest('.error-panel')?.textContent).toContain('ROTATION_OPEN');
    expect(rotated).not.toHaveBeenCalled();
  });

  it('is told beside the field when the overlap is refused', async () => {
    const violations = [{ field: 'overlap_hours', description: '0至720小时 / 0 to 720 hours' }];
    calls.mockRejectedValueOnce(new ApiError(400, 3, 'INVALID', '填写不正确', 'not valid', {}, '', violations, ''));
    shown(<Rotate client={client} onClose={() => undefined} onReload={() => undefined} onRotated={() => undefined} />);
    rotate();
    await waitFor(() => expect(document.querySelector('.ant-form-item-explain-error')?.textContent).toBe('0至720小时'), patience);
  });
});

describe('a secret', () => {
  it('is shown with a button that copies it, and a value that is empty is left out', () => {
    shown(<ShownOnce title="密钥" note="只显示这一次" values={[['密钥', 'abc'], ['旧密钥有效至', '']]} onClose={() => undefined} />);
    expect(screen.getByText('abc')).toBeTruthy();
    expect(screen.getByRole('button', { name: /复制 密钥/ })).toBeTruthy();
    expect(screen.queryByText('旧密钥有效至')).toBeNull();
    expect(screen.getByText('只显示这一次')).toBeTruthy();
  });
});
