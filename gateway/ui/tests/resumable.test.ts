import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { importFile, PIECE_BYTES } from '../src/api/resumable';

const size = 2 * PIECE_BYTES + 5;
const file = () => new File([new Uint8Array(size)], 'a.csv', { lastModified: 7 });
const name = 'organisations/a/uploads/1';
const request = { parent: 'organisations/a', fileName: 'a.csv' };

/** A server that keeps bytes, and a line that breaks at the pieces it is told, keeping half of each. */
function server(breaks: number[]) {
  let offset = 0;
  let pieces = 0;
  let running = 1;
  const asked: string[] = [];
  const answer = (value: object, status = 200) => new Response(JSON.stringify(value), { status });
  const kept = () => answer({ name, offset: String(offset), state: offset === size ? 'UPLOAD_STATE_COMPLETE' : 'UPLOAD_STATE_OPEN' });
  const fetch = (url: string, { method = 'GET', body }: { method?: string; body?: Blob }) => {
    asked.push(`${method} ${url}`);
    if (method === 'PATCH') {
      const from = Number(new URL(url, 'http://x').searchParams.get('offset') ?? '0');
      if (from !== offset) return Promise.resolve(answer({ code: 10 }, 409));
      pieces += 1;
      if (breaks.includes(pieces)) {
        offset += Math.floor((body?.size ?? 0) / 2);
        return Promise.reject(new TypeError('the line broke'));
      }
      offset += body?.size ?? 0;
      return Promise.resolve(kept());
    }
    if (url.includes(':import')) return Promise.resolve(answer({ name: 'organisations/a/imports/1', state: running-- > 0 ? 'IMPORT_STATE_RUNNING' : 'IMPORT_STATE_FINISHED' }));
    return Promise.resolve(method === 'DELETE' ? answer({}) : kept());
  };
  vi.stubGlobal('fetch', fetch);
  return { asked, offset: () => offset };
}

const pauses: number[] = [];
const pause = (ms: number) => {
  pauses.push(ms);
  return Promise.resolve();
};
const send = (progress: number[] = []) => importFile('Registers.ImportSubjects', request, file(), (sent) => progress.push(sent), new AbortController().signal, pause);

describe('a large file', () => {
  beforeEach(() => {
    localStorage.clear();
    pauses.length = 0;
  });
  afterEach(() => vi.unstubAllGlobals());

  it('goes on by itself where its line broke, and tells what the server holds', async () => {
    const { asked, offset } = server([1, 3, 4]);
    const progress: number[] = [];
    await expect(send(progress)).resolves.toMatchObject({ state: 'IMPORT_STATE_FINISHED' });
    expect(offset()).toBe(size);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect([progress[0], progress.at(-1)]).toEqual([0, size]);
    expect(progress).toContain(PIECE_BYTES / 2);
    // After each break one pause, longer when it breaks again at once; then one while the import runs.
    expect(pauses).toEqual([1000, 1000, 2000, 2000]);
    expect(asked.filter((one) => one.startsWith('POST /v1/organisations/a/uploads'))).toHaveLength(1);
    expect(asked.filter((one) => one.includes(`upload=${encodeURIComponent(name)}`))).toHaveLength(2);
    expect(localStorage).toHaveLength(0);
  });

  it('goes on after the page was loaded anew and the same file is chosen again', async () => {
    server([2, 3, 4, 5, 6, 7, 8, 9]);
    await expect(send()).rejects.toMatchObject({ status: 0 });
    const { asked } = server([]);
    await send();
    expect(asked[0]).toBe(`GET /v1/${name}`);
    expect(asked.some((one) => one === 'POST /v1/organisations/a/uploads')).toBe(false);
  });
});
