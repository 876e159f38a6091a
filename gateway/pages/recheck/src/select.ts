// Section 4: which subjects are drawn. Two passes over the pool, with memory for the k smallest of each stratum only.
import { compare, toHex } from "./bytes.ts";
import type { Quota } from "./documents.ts";
import type { Tickets } from "./hash.ts";
import type { Table } from "./table.ts";
import type { Drawn } from "./teams.ts";

/** ceil(n * ppm / 1000000) in integers, or the count, at most n. */
export function quotaSize(n: number, quota: Quota): number {
  if (quota.ppm !== undefined) return Math.min(n, Number((BigInt(n) * BigInt(quota.ppm) + 999_999n) / 1_000_000n));
  return Math.min(n, quota.count ?? 0);
}

interface Item {
  readonly ticket: Uint8Array;
  readonly line: number;
}

/** Keeps the k smallest, the largest of them on top. */
class Smallest {
  readonly items: Item[] = [];

  constructor(
    private readonly k: number,
    private readonly order: (a: Item, b: Item) => number,
  ) {}

  offer(item: Item): void {
    const items = this.items;
    if (items.length < this.k) {
      let at = items.push(item) - 1;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (this.order(items[parent], items[at]) >= 0) break;
        [items[parent], items[at]] = [items[at], items[parent]];
        at = parent;
      }
    } else if (this.k > 0 && this.order(item, items[0]) < 0) {
      items[0] = item;
      for (let at = 0; ; ) {
        let largest = at;
        for (const child of [2 * at + 1, 2 * at + 2]) {
          if (child < items.length && this.order(items[child], items[largest]) > 0) largest = child;
        }
        if (largest === at) return;
        [items[at], items[largest]] = [items[largest], items[at]];
        at = largest;
      }
    }
  }
}

export interface Stratum {
  readonly name: string;
  readonly n: number;
  readonly k: number;
  readonly threshold: string;
}

export interface Selection {
  readonly strata: readonly Stratum[];
  /** By (ticket, key). */
  readonly drawn: readonly Drawn[];
}

/** How many subjects each stratum of the pool has. */
export function countStrata(subjects: Table): Map<string, number> {
  const counts = new Map<string, number>();
  for (let line = 0; line < subjects.lines; line++) {
    const stratum = subjects.text(line, 1);
    counts.set(stratum, (counts.get(stratum) ?? 0) + 1);
  }
  return counts;
}

const PROGRESS_EVERY = 16_384;

/** The draw of the subjects; strata without a quota are passed over. */
export function select(
  subjects: Table,
  counts: ReadonlyMap<string, number>,
  quotas: ReadonlyMap<string, Quota>,
  tickets: Tickets,
  onLines: (lines: number) => void,
): Selection {
  const keyEnd = (line: number): number => subjects.columnEnd(line, subjects.start(line));
  const order = (a: Item, b: Item): number =>
    compare(a.ticket, b.ticket) ||
    compare(subjects.bytes, subjects.bytes, subjects.start(a.line), keyEnd(a.line), subjects.start(b.line), keyEnd(b.line));
  const heaps = new Map<string, Smallest>();
  for (const [name, n] of counts) {
    const quota = quotas.get(name);
    if (quota) heaps.set(name, new Smallest(quotaSize(n, quota), order));
  }
  for (let line = 0; line < subjects.lines; line++) {
    const start = subjects.start(line);
    const end = keyEnd(line);
    heaps.get(subjects.text(line, 1))?.offer({ ticket: tickets.subject(subjects.bytes, start, end), line });
    if (line % PROGRESS_EVERY === 0) onLines(line);
  }
  const strata: Stratum[] = [];
  const items: Item[] = [];
  for (const name of [...heaps.keys()].sort()) {
    const kept = heaps.get(name)?.items ?? [];
    const threshold = kept.length === 0 ? "-" : toHex(kept[0].ticket);
    strata.push({ name, n: counts.get(name) ?? 0, k: kept.length, threshold });
    for (const item of kept) items.push(item);
  }
  items.sort(order);
  const drawn = items.map(({ ticket, line }) => ({ key: subjects.text(line, 0), ticket: toHex(ticket), district: subjects.text(line, 2) }));
  return { strata, drawn };
}
