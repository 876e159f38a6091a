// Deadlines of every part that runs some, as one list (art. 18, 35).

import { call } from '../api/client';
import type { Clock, ListClocksRequest } from '../api/contract/clocks';
import { mergedPage, type CountedPage, type Source } from './merge';

const parts = ['CatalogClocks.ListClocks', 'DrawsClocks.ListClocks'] as const;

const text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** What the services sort by, each with what decides between equals. */
const keys: Record<string, (clock: Clock) => string[]> = {
  due_date: (clock) => [clock.dueDate, clock.name],
  start_date: (clock) => [clock.startDate, clock.name],
  kind: (clock) => [clock.kind, clock.dueDate, clock.name],
  organisation: (clock) => [clock.organisation, clock.dueDate, clock.name],
};

/** The services' order of clocks for an `order_by`. */
export function compareClocks(order: string): (a: Clock, b: Clock) => number {
  const [field = '', way] = order.split(' ');
  const of = keys[field] ?? ((clock: Clock) => [clock.dueDate, clock.name]);
  return (a, b) => {
    const [ofA, ofB] = [of(a), of(b)];
    const differs = ofA.findIndex((value, nth) => value !== ofB[nth]);
    const found = differs < 0 ? 0 : text(ofA[differs] ?? '', ofB[differs] ?? '');
    return way === 'desc' ? -found : found;
  };
}

/** A page of the clocks of all parts. */
export function listClocks(request: Partial<ListClocksRequest>, pageSize: number, pageToken: string, signal?: AbortSignal): Promise<CountedPage<Clock>> {
  const sources = parts.map((part): Source<Clock> => async (token, size) => {
    const answer = await call(part, { ...request, pageSize: size, pageToken: token }, signal);
    return { rows: answer.clocks, nextPageToken: answer.nextPageToken, total: Number(answer.totalSize) };
  });
  return mergedPage(sources, compareClocks(request.orderBy ?? ''), pageSize, pageToken);
}
