import { describe, expect, it } from 'vitest';
import { mergedPage, type Source } from '../src/lib/merge';

/** A sorted list whose pages are asked for by offset, never larger than asked for. */
const list = (values: readonly number[], asked: string[] = []): Source<number> => (token, size) => {
  asked.push(token);
  const start = token === '' ? 0 : Number(token);
  const end = start + size;
  return Promise.resolve({ rows: values.slice(start, end), nextPageToken: end < values.length ? String(end) : '', total: values.length });
};

const byValue = (a: number, b: number) => a - b;

async function walk(sources: Source<number>[], pageSize: number) {
  const pages: number[][] = [];
  let token = '';
  do {
    const page = await mergedPage(sources, byValue, pageSize, token);
    pages.push(page.rows);
    token = page.nextPageToken;
    expect(page.total).toBe(9);
    expect(pages.length).toBeLessThan(20);
  } while (token !== '');
  return pages;
}

describe('one list over several', () => {
  const sources = () => [list([1, 2, 3, 10, 11, 12]), list([4, 5, 13]), list([])];

  it.each([1, 2, 3, 4, 5, 9, 50])('gives every row once, in order, %i a page', async (pageSize) => {
    const pages = await walk(sources(), pageSize);
    expect(pages.flat()).toEqual([1, 2, 3, 4, 5, 10, 11, 12, 13]);
    expect(pages.slice(0, -1).every((page) => page.length === pageSize)).toBe(true);
  });

  it('goes on within one list when the others ended', async () => {
    const first = await mergedPage([list([1]), list([2, 3, 4, 5])], byValue, 2, '');
    expect(first.rows).toEqual([1, 2]);
    const second = await mergedPage([list([1]), list([2, 3, 4, 5])], byValue, 2, first.nextPageToken);
    expect([second.rows, second.total]).toEqual([[3, 4], 5]);
  });

  it('begins anew with a token of another list', async () => {
    for (const token of ['nonsense', '[]', '[1]', '{"a":1}']) {
      expect((await mergedPage([list([1, 2])], byValue, 1, token)).rows).toEqual([1]);
    }
  });

  it('hands on what a list refuses', async () => {
    const refused = () => Promise.reject(new Error('refused'));
    await expect(mergedPage([list([1]), refused], byValue, 2, '')).rejects.toThrow('refused');
  });
});
