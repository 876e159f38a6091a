import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { App } from 'antd';
import { MemoryRouter, Route, Routes } from 'react-router';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../src/api/errors';
import { LanguageProvider } from '../src/i18n';
import PlanEdit from '../src/pages/plans/edit';

const calls = vi.hoisted(() => vi.fn<(method: string, request: { plan?: { etag: string; title: string; method: string } }) => Promise<object>>());
vi.mock('../src/api/client', async (original) => ({ ...(await original<object>()), call: calls }));
vi.mock('../src/session', () => ({ useMe: () => ({ organisation: 'organisations/market' }), useOrganisationTitle: () => (name: string) => name, useSessionState: () => ({ organisations: [] }) }));

afterEach(() => {
  cleanup();
  calls.mockReset();
});

const draft = (etag: string, title: string, method: string) => ({
  name: 'plans/2026-001', organisation: 'organisations/market', state: 'PLAN_STATE_DRAFT', etag, title, method, kind: 'PLAN_KIND_ANNUAL', year: 2026, items: ['organisations/market/items/1'],
  districts: [], stratification: 'STRATIFICATION_WHOLE', quotas: [{ stratum: 'all', ppm: 50_000 }], teams: [{ organisation: 'organisations/market', size: 2, specialty: '' }], coverDistrict: false,
  startDate: '2026-03-01', endDate: '2026-12-31', frequency: '每年1次', exceptions: [], registerBasis: '', foreseesSupplementary: '', secondVisitReason: '', countyUnits: [],
});
const stale = new ApiError(409, 10, 'STALE', '王敏刚刚修改了它。', 'Wang Min has just changed it.', {}, '', [], '');

/** A machine under load takes long to draw a form; only one that hangs fails. */
const patience = { timeout: 60_000 };

/** A plan that somebody else gives another method, while a person writes another title. */
function show() {
  let saved = draft('v1', '春季抽查', '现场检查');
  calls.mockImplementation((method, request) => {
    if (method === 'Plans.GetPlan') return Promise.resolve(saved);
    if (method !== 'Plans.UpdatePlan') return Promise.resolve({ items: [], organisations: [], nextPageToken: '' });
    if (request.plan?.etag === 'v1') {
      saved = draft('v2', '春季抽查', '书面检查');
      return Promise.reject(stale);
    }
    return Promise.resolve(saved);
  });
  render(
    <MemoryRouter initialEntries={['/plans/2026-001/edit']}>
      <LanguageProvider>
        <App>
          <Routes>
            <Route path="/plans/:id/edit" element={<PlanEdit />} />
            <Route path="/plans/:id" element={<p>the plan</p>} />
          </Routes>
        </App>
      </LanguageProvider>
    </MemoryRouter>,
  );
}

const field = (label: string) => screen.getByLabelText<HTMLInputElement>(label);
const sent = () => calls.mock.calls.filter(([method]) => method === 'Plans.UpdatePlan').map(([, { plan }]) => [plan?.etag, plan?.title, plan?.method]);

async function refusedAndReloaded() {
  show();
  fireEvent.change(await screen.findByLabelText('计划名称', {}, patience), { target: { value: '春季食品抽查' } });
  fireEvent.click(screen.getByRole('button', { name: /保 ?存/ }));
  await screen.findByText('王敏刚刚修改了它。', {}, patience);
  fireEvent.click(screen.getByRole('button', { name: /刷 ?新/ }));
  await screen.findByText('您填写期间，草稿已被他人修改', {}, patience);
  expect(field('计划名称').value).toBe('春季食品抽查');
}

describe('a draft that somebody else changed meanwhile', { timeout: 180_000 }, () => {
  it('keeps what was typed, names what differs, and is saved over the other’s by decision', async () => {
    await refusedAndReloaded();
    expect(screen.getByText(/不一致之处：计划名称、/)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: '保留我填写的' }));
    fireEvent.click(screen.getByRole('button', { name: /保 ?存/ }));
    await screen.findByText('the plan', {}, patience);
    expect(sent()).toEqual([['v1', '春季食品抽查', '现场检查'], ['v2', '春季食品抽查', '现场检查']]);
  });

  it('is taken as the other left it when so decided', async () => {
    await refusedAndReloaded();
    fireEvent.click(screen.getByRole('button', { name: '改用已保存的' }));
    await waitFor(() => expect(field('计划名称').value).toBe('春季抽查'), patience);
    fireEvent.click(screen.getByRole('button', { name: /保 ?存/ }));
    await screen.findByText('the plan', {}, patience);
    expect(sent().at(-1)).toEqual(['v2', '春季抽查', '书面检查']);
  });
});
