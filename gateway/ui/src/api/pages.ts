// Walking all pages of a list, with an edge.
import { toApiError } from './errors';

/** One page of a list method. */
export interface Page<Row> {
  rows: Row[];
  nextPageToken: string;
}

/** All rows up to `rowsMax`, and whether there were more. */
export async function allRows<Row>(load: (pageToken: string) => Promise<Page<Row>>, rowsMax: number): Promise<{ rows: Row[]; more: boolean }> {
  const rows: Row[] = [];
  let token = '';
  do {
    const page = await load(token);
    rows.push(...page.rows);
    token = page.nextPageToken;
  } while (token !== '' && rows.length < rowsMax);
  return { rows: rows.slice(0, rowsMax), more: token !== '' || rows.length > rowsMax };
}

/** How often a page is asked for again that could not be had just now, and how long it is waited for at first; then twice as long. */
const againMax = 5;
const waitMs = 1000;

/**
 * Hands every page of a list on as it comes, and answers whether there were more rows than `rowsMax`. A page that fails for the
 * moment is asked for again: an export of a thousand pages does not begin anew for one of them.
 */
export async function exportRows<Row>(load: (pageToken: string) => Promise<Page<Row>>, rowsMax: number, take: (rows: Row[], sofar: number) => void, signal: AbortSignal): Promise<boolean> {
  let token = '';
  let sofar = 0;
  do {
    const page = await patiently(() => load(token), signal);
    signal.throwIfAborted();
    const rows = page.rows.slice(0, rowsMax - sofar);
    sofar += rows.length;
    take(rows, sofar);
    token = page.nextPageToken;
    if (rows.length < page.rows.length) return true;
  } while (token !== '' && sofar < rowsMax);
  return token !== '';
}

async function patiently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let again = 0; ; again += 1) {
    try {
      return await ask();
    } catch (thrown) {
      const refused = toApiError(thrown);
      if (signal.aborted || again === againMax || !(refused.retriable || refused.status === 429)) throw thrown;
      await new Promise<void>((resolve, reject) => {
        const waiting = setTimeout(resolve, waitMs * 2 ** again);
        signal.addEventListener('abort', () => {
          clearTimeout(waiting);
          reject(new DOMException('aborted', 'AbortError'));
        }, { once: true });
      });
    }
  }
}
