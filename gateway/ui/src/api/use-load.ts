import { useCallback, useEffect, useRef, useState } from 'react';
import { whenRenewed } from './client';
import { isAbort, toApiError, type ApiError } from './errors';

export interface Loaded<T> {
  /** What was loaded last; kept while loading again. */
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  reload: () => void;
  /** Puts an answer in place that came from elsewhere, such as a state verb. */
  set: (data: T) => void;
}

/** Loads when `key` changes, ends what runs when it changes again, and keeps the old answer visible meanwhile. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [answer, setAnswer] = useState<{ key: string; data: T } | undefined>();
  const [error, setError] = useState<ApiError | undefined>();
  const [loading, setLoading] = useState(true);
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;

  useEffect(() => {
    const ending = new AbortController();
    setLoading(true);
    setError(undefined);
    latest.current(ending.signal).then(
      (data) => {
        if (ending.signal.aborted) return;
        setAnswer({ key, data });
        setLoading(false);
      },
      (thrown: unknown) => {
        if (ending.signal.aborted || isAbort(thrown)) return;
        setError(toApiError(thrown));
        setLoading(false);
      },
    );
    return () => ending.abort();
  }, [key, turn]);

  const reload = useCallback(() => setTurn((n) => n + 1), []);
  // What an ended session kept back comes with the next.
  const ended = error?.status === 401;
  useEffect(() => (ended ? whenRenewed(reload) : undefined), [ended, reload]);
  const set = useCallback((data: T) => setAnswer({ key, data }), [key]);
  return { data: answer?.data, error, loading, reload, set };
}
