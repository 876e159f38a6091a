import { useCallback, useMemo } from 'react';
import { useLocation, useNavigate, useSearchParams } from 'react-router';

/** Rows a page that can be chosen. */
export const pageSizes = [20, 50, 100, 200] as const;

export interface ListState {
  /** Value of a filter, empty when unset. */
  get: (name: string) => string;
  /** Sets filters and returns to the first page. */
  set: (changes: Readonly<Record<string, string>>) => void;
  clear: () => void;
  /** Whether any filter is set. */
  filtered: boolean;
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

interface Walked {
  tokens?: string[];
}

/** Filters and page of a list, kept in the address; the way back through the pages is kept in the history entry. */
export function useListState(): ListState {
  const [params, setParams] = useSearchParams();
  const location = useLocation();
  const navigate = useNavigate();
  const walked = (location.state as Walked | null)?.tokens;

  const go = useCallback(
    (token: string, tokens: string[]) => {
      const next = new URLSearchParams(params);
      if (token) next.set('page', token);
      else next.delete('page');
      void navigate({ search: next.toString() }, { state: { tokens } satisfies Walked });
    },
    [navigate, params],
  );

  return useMemo(() => {
    const pageToken = params.get('page') ?? '';
    const tokens = walked ?? [];
    const size = Number(params.get('size'));
    const names = [...params.keys()].filter((name) => name !== 'page' && name !== 'size');
    return {
      get: (name) => params.get(name) ?? '',
      set: (changes) =>
        setParams((old) => {
          const next = new URLSearchParams(old);
          next.delete('page');
          for (const [name, value] of Object.entries(changes)) {
            if (value) next.set(name, value);
            else next.delete(name);
          }
          return next;
        }),
      clear: () =>
        setParams((old) => {
          const size = old.get('size');
          return new URLSearchParams(size ? { size } : {});
        }),
      filtered: names.length > 0,
      pageSize: pageSizes.find((one) => one === size) ?? 50,
      pageToken,
      pageNumber: pageToken === '' ? 1 : walked ? tokens.length + 1 : 0,
      next: (token) => go(token, [...tokens, pageToken]),
      previous: walked && tokens.length > 0 ? () => go(tokens[tokens.length - 1] ?? '', tokens.slice(0, -1)) : null,
      first: () => go('', []),
      key: params.toString(),
    };
  }, [params, setParams, walked, go]);
}
