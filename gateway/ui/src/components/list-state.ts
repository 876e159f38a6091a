import { useCallback, useMemo } from 'react';
import { useLocation, useNavigate, useSearchParams } from 'react-router';

/** Rows a page that can be chosen. */
export const pageSizes = [20, 50, 100, 200] as const;

export interface ListState {
  /** Value of a filter, empty when unset. */
  get: (name: string) => string;
  /** Sets filters and returns to the first page. */
  set: (changes: Readonly<Record<string, string>>) => void;
  /** Takes the filters away; order and size of the page stay. */
  clear: () => void;
  /** Takes everything away that the address says. */
  restart: () => void;
  /** Whether any filter is set. */
  filtered: boolean;
  /** How many filters are set. */
  filters: number;
  /** `order_by` as asked for; empty for the list's own. */
  order: string;
  /** Asks for another order, from its first page. */
  sort: (order: string) => void;
  pageSize: number;
  pageToken: string;
  /** Number of the page as far as it was walked to, from 1; 0 when the page was opened by its address. */
  pageNumber: number;
  next: (token: string) => void;
  previous: (() => void) | null;
  first: () => void;
  /** Changes whenever another page has to be loaded. */
  key: string;
}

type Walked = Record<string, string[]>;

/** What of the address is no filter. */
const settings = new Set(['page', 'size', 'order']);

/**
 * Filters, order and page of a list, kept in the address; the way back through the pages is kept in the history entry. A second
 * list on a page has a prefix of its own, with a point at its end; `rows` stand on a page where nobody chose.
 */
export function useListState(prefix = '', rows: (typeof pageSizes)[number] = 50): ListState {
  const [params, setParams] = useSearchParams();
  const location = useLocation();
  const navigate = useNavigate();
  const state = location.state as { walked?: Walked } | null;
  const walked = state?.walked?.[prefix];

  const go = useCallback(
    (token: string, tokens: string[]) => {
      const next = new URLSearchParams(params);
      if (token) next.set(`${prefix}page`, token);
      else next.delete(`${prefix}page`);
      void navigate({ search: next.toString() }, { state: { walked: { ...state?.walked, [prefix]: tokens } } });
    },
    [navigate, params, prefix, state],
  );

  return useMemo(() => {
    const own = (name: string) => (prefix === '' ? !name.includes('.') : name.startsWith(prefix));
    const names = [...params.keys()].filter(own).map((name) => name.slice(prefix.length));
    const set = (changes: Readonly<Record<string, string>>) =>
      setParams((old) => {
        const next = new URLSearchParams(old);
        next.delete(`${prefix}page`);
        for (const [name, value] of Object.entries(changes)) {
          if (value) next.set(prefix + name, value);
          else next.delete(prefix + name);
        }
        return next;
      });
    const without = (gone: (name: string) => boolean) => set(Object.fromEntries(names.filter(gone).map((name) => [name, ''])));
    const get = (name: string) => params.get(prefix + name) ?? '';
    const pageToken = get('page');
    const tokens = walked ?? [];
    const size = Number(get('size'));
    const filters = names.filter((name) => !settings.has(name)).length;
    return {
      get,
      set,
      clear: () => without((name) => !settings.has(name)),
      restart: () => without(() => true),
      filtered: filters > 0,
      filters,
      order: get('order'),
      sort: (order) => set({ order }),
      pageSize: pageSizes.find((one) => one === size) ?? rows,
      pageToken,
      pageNumber: pageToken === '' ? 1 : walked ? tokens.length + 1 : 0,
      next: (token) => go(token, [...tokens, pageToken]),
      previous: walked && tokens.length > 0 ? () => go(tokens[tokens.length - 1] ?? '', tokens.slice(0, -1)) : null,
      first: () => go('', []),
      key: names.map((name) => `${name}=${get(name)}`).join('&'),
    };
  }, [params, setParams, prefix, rows, walked, go]);
}
