import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { App } from 'antd';
import { MemoryRouter, useLocation } from 'react-router';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, noAnswer } from '../src/api/errors';
import { exportRows } from '../src/api/pages';
import { useLoad } from '../src/api/use-load';
import { List, SearchBox } from '../src/components/list';
import { useListState } from '../src/components/list-state';
import { LanguageProvider } from '../src/i18n';

interface Row {
  name: string;
  n: number;
}

/** What the list asked for, and what it is answered. */
const ask = vi.fn<(order: string, query: string, token: string) => { rows: Row[]; nextPageToken: string; total: number }>();

function Names() {
  const state = useListState();
  const page = (token: string) => Promise.resolve().then(() => ask(state.order, state.get('q'), token));
  const loaded = useLoad(state.key, () => page(state.pageToken));
  return (
    <List<Row>
      label="名单"
      state={state}
      loaded={loaded}
      standard="n desc"
      rowKey={(row) => row.name}
      columns={[
        { title: '名称', head: true, sort: 'name', render: (row) => row.name, csv: (row) => row.name },
        { title: '数', sort: 'n', render: (row) => row.n, csv: (row) => String(row.n) },
        { title: '备注', render: () => '' },
      ]}
      csv={{ fileName: 'names.csv', page }}
      filters={<SearchBox state={state} placeholder="找" />}
    />
  );
}

function Address() {
  const { search } = useLocation();
  return <output>{search}</output>;
}

const show = (address = '/') =>
  render(
    <LanguageProvider>
      <App>
        <MemoryRouter initialEntries={[address]}>
          <Names />
          <Address />
        </MemoryRouter>
      </App>
    </LanguageProvider>,
  );

const two = { rows: [{ name: '甲', n: 2 }, { name: '=乙', n: 1 }], nextPageToken: '', total: 2 };
const patience = { timeout: 60_000 };
const head = (name: string) => screen.getByRole('columnheader', { name });

beforeEach(() => ask.mockReset().mockReturnValue(two));
afterEach(cleanup);

describe('a list', { timeout: 120_000 }, () => {
  it('sorts by its heads, says so to everybody and keeps the order in the address', async () => {
    show();
    await screen.findByText('甲', {}, patience);
    expect([head('名称'), head('数'), head('备注')].map((one) => one.getAttribute('aria-sort'))).toEqual(['none', 'descending', null]);
    fireEvent.click(within(head('名称')).getByRole('button'));
    await waitFor(() => expect(ask).toHaveBeenLastCalledWith('name', '', ''), patience);
    fireEvent.click(within(head('名称')).getByRole('button'));
    await waitFor(() => expect(ask).toHaveBeenLastCalledWith('name desc', '', ''), patience);
    expect(head('名称').getAttribute('aria-sort')).toBe('descending');
    expect(document.querySelector('output')?.textContent).toBe('?order=name+desc');
    fireEvent.click(within(head('数')).getByRole('button'));
    fireEvent.click(within(head('数')).getByRole('button'));
    // Its own order needs no words in the address.
    await waitFor(() => expect(document.querySelector('output')?.textContent).toBe(''), patience);
  });

  it('says that nothing matches and takes the filters away, but not the order', async () => {
    ask.mockImplementation((_, query) => (query ? { rows: [], nextPageToken: '', total: 0 } : two));
    show('/?q=丙&order=name');
    await screen.findByText(/没有符合条件的记录/, {}, patience);
    const [reset] = screen.getAllByRole('button', { name: '清除筛选' });
    fireEvent.click(reset as HTMLElement);
    await screen.findByText('甲', {}, patience);
    expect(document.querySelector('output')?.textContent).toBe('?order=name');
  });

  it('offers another try after a failure, and a new start after an order there is none of', async () => {
    ask.mockImplementation((order) => {
      if (order === 'etag') throw new ApiError(400, 3, 'INVALID', '没有这种排序。', 'No such order.', {}, '', [], '');
      throw noAnswer();
    });
    show('/?order=etag');
    await screen.findByText('没有这种排序。', {}, patience);
    fireEvent.click(screen.getByRole('button', { name: '重新开始' }));
    await screen.findByText(/没有连上服务器/, {}, patience);
    ask.mockReturnValue(two);
    fireEvent.click(screen.getByRole('button', { name: /重 ?试/ }));
    await screen.findByText('甲', {}, patience);
  });

  it('folds its filters behind one button that says how many are set', async () => {
    show('/?q=甲');
    const fold = await screen.findByRole('button', { name: /筛选和排序 \(1\)/ }, patience);
    expect(fold.getAttribute('aria-expanded')).toBe('false');
    fireEvent.click(fold);
    expect((await screen.findByRole('button', { name: /收起筛选/ }, patience)).getAttribute('aria-expanded')).toBe('true');
  });

  it('exports every page of what shows, as a table a spreadsheet may open', async () => {
    const parts: Blob[] = [];
    vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: (blob: Blob) => parts.push(blob) && 'blob:x', revokeObjectURL: () => undefined }));
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
    show('/?q=x&order=name');
    await screen.findByText('甲', {}, patience);
    ask.mockImplementation((_, __, token) => (token === '' ? { ...two, nextPageToken: '1' } : { rows: [{ name: '丙', n: 3 }], nextPageToken: '', total: 3 }));
    fireEvent.click(screen.getByRole('button', { name: /导出 CSV/ }));
    await waitFor(() => expect(parts).toHaveLength(1), patience);
    expect(ask.mock.calls.slice(-2)).toEqual([['name', 'x', ''], ['name', 'x', '1']]);
    const bytes = await new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve([...new Uint8Array(reader.result as ArrayBuffer).slice(0, 3)].join(' '));
      reader.readAsArrayBuffer(parts[0] as Blob);
    });
    expect(bytes).toBe('239 187 191');
  });
});

describe('an export', () => {
  const pages = [{ rows: [1, 2], nextPageToken: 'b' }, { rows: [3], nextPageToken: '' }];
  const page = (token: string) => pages[token === '' ? 0 : 1] as (typeof pages)[number];

  it('asks again for a page that could not be had just now, and for no other', async () => {
    vi.useFakeTimers();
    const took: number[][] = [];
    let failed = 0;
    const load = (token: string) => (token === 'b' && failed++ < 2 ? Promise.reject(noAnswer()) : Promise.resolve(page(token)));
    const whole = exportRows(load, 10, (rows) => took.push(rows), new AbortController().signal);
    await vi.runAllTimersAsync();
    expect([await whole, took]).toEqual([false, [[1, 2], [3]]]);
    vi.useRealTimers();
    const refused = () => Promise.reject(new ApiError(403, 7, 'ROLE_MISSING', '', '', {}, '', [], ''));
    await expect(exportRows(refused, 10, () => undefined, new AbortController().signal)).rejects.toMatchObject({ reason: 'ROLE_MISSING' });
  });

  it('ends at its edge and says so, and when it is told to', async () => {
    const took: number[] = [];
    expect(await exportRows((token) => Promise.resolve(page(token)), 1, (rows) => took.push(...rows), new AbortController().signal)).toBe(true);
    expect(took).toEqual([1]);
    const stop = new AbortController();
    const ended = exportRows((token) => Promise.resolve(page(token)), 10, () => stop.abort(), stop.signal);
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
  });
});
