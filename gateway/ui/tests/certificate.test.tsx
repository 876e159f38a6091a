import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { App } from 'antd';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { User } from '../src/api/contract/identity';
import { LanguageProvider } from '../src/i18n';
import { CertificateForm } from '../src/pages/admin/certificate';

const calls = vi.hoisted(() => vi.fn<(method: string, request: object) => Promise<object>>(() => Promise.resolve({})));
vi.mock('../src/api/client', async (original) => ({ ...(await original<object>()), call: calls }));

// jsdom lays nothing out.
vi.stubGlobal('ResizeObserver', class { observe() {} unobserve() {} disconnect() {} });

afterEach(() => {
  cleanup();
  calls.mockClear();
});

const certificate = { number: '16020001', expireDate: '2027-12-31', districts: ['410202'], specialties: ['food'] };
const user: User = { name: 'users/a', username: 'li.wei', realName: '李伟', organisation: 'organisations/market', roles: ['ROLE_OFFICER'], state: 'USER_STATE_ACTIVE', certificate, verification: '核验居民身份证原件', etag: '3' };

/** A machine under load takes long to draw a dialog; only one that hangs fails. */
const patience = { timeout: 60_000 };

describe('a certificate', { timeout: 120_000 }, () => {
  it('is sent whole with its etag and a reason, and never with another number', async () => {
    const saved = vi.fn();
    render(
      <LanguageProvider>
        <App>
          <CertificateForm user={user} onClose={() => undefined} onSaved={saved} />
        </App>
      </LanguageProvider>,
    );
    expect(screen.getByLabelText<HTMLInputElement>('执法证号').readOnly).toBe(true);
    const save = () => fireEvent.click(screen.getByRole('button', { name: /保\s*存/ }));
    save();
    await waitFor(() => expect(document.querySelector('.ant-form-item-explain-error')).not.toBeNull(), patience);
    expect(calls).not.toHaveBeenCalled();
    fireEvent.change(screen.getByRole('textbox', { name: '理由' }), { target: { value: '换证' } });
    save();
    await waitFor(() => expect(saved).toHaveBeenCalledOnce(), patience);
    expect(calls.mock.calls).toHaveLength(1);
    expect(calls.mock.calls[0]).toMatchObject(['Identity.SetCertificate', { name: 'users/a', etag: '3', certificate, reason: '换证' }]);
  });
});
