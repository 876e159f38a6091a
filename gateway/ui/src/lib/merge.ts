// One list over the lists of several services, each sorted alike: pages are merged, and a page's token says how far each was read.

import type { Page } from '../api/pages';

/** A page with how many rows match in all. */
export interface CountedPage<Row> extends Page<Row> {
  total: number;
}

/** A page of one of the lists. */
export type Source<Row> = (pageToken: string, pageSize: number) => Promise<CountedPage<Row>>;

/** Where a list is read on: the token of its page, and how many rows of that page are behind us; null at its end. */
type Place = [token: string, skip: number] | null;

interface Reader<Row> {
  source: Source<Row>;
  place: Place;
  /** Rows of the page at `place` from `skip` on. */
  rows: Row[];
  next: string;
  total: number;
}

const read = async <Row>(reader: Reader<Row>, pageSize: number) => {
  const [token, skip] = reader.place ?? ['', 0];
  const page = await reader.source(token, pageSize);
  reader.rows = page.rows.slice(skip);
  reader.next = page.nextPageToken;
  reader.total = page.total;
};

/** Goes on to the next page of a list while nothing is left of this one. */
const settle = async <Row>(reader: Reader<Row>, pageSize: number) => {
  while (reader.place && reader.rows.length === 0) {
    reader.place = reader.next === '' ? null : [reader.next, 0];
    if (reader.place) await read(reader, pageSize);
  }
};

const places = (token: string, sources: number): Place[] => {
  const start = Array.from({ length: sources }, (): Place => ['', 0]);
  if (token === '') return start;
  try {
    const read: unknown = JSON.parse(token);
    const place = (one: unknown): one is Place => one === null || (Array.isArray(one) && typeof one[0] === 'string' && Number.isInteger(one[1]));
    return Array.isArray(read) && read.length === sources && read.every(place) ? read : start;
  } catch {
    return start;
  }
};

/** A page of all lists together, in the order of `compare`, by which each of them is sorted. */
export async function mergedPage<Row>(sources: readonly Source<Row>[], compare: (a: Row, b: Row) => number, pageSize: number, pageToken: string): Promise<CountedPage<Row>> {
  const begun = places(pageToken, sources.length);
  const readers = sources.map((source, nth): Reader<Row> => ({ source, place: begun[nth] ?? null, rows: [], next: '', total: 0 }));
  // A list that was read to its end is asked once more for its count alone.
  await Promise.all(readers.map(async (reader) => (reader.place ? read(reader, pageSize) : (reader.total = (await reader.source('', 1)).total))));
  const rows: Row[] = [];
  for (;;) {
    await Promise.all(readers.map((reader) => settle(reader, pageSize)));
    const first = readers.reduce<Reader<Row> | null>((least, reader) => {
      const [head] = reader.rows;
      const [best] = least?.rows ?? [];
      return head !== undefined && (best === undefined || compare(head, best) < 0) ? reader : least;
    }, null);
    const taken = first && rows.length < pageSize ? first.rows.shift() : undefined;
    if (!first?.place || taken === undefined) break;
    rows.push(taken);
    first.place = [first.place[0], first.place[1] + 1];
  }
  const left = readers.some((reader) => reader.place);
  return { rows, nextPageToken: left ? JSON.stringify(readers.map((reader) => reader.place)) : '', total: readers.reduce((sum, reader) => sum + reader.total, 0) };
}
