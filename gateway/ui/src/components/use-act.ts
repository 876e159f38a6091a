import { useCallback, useRef, useState } from 'react';
import { newRequestId } from '../api/client';
import { isAbort, toApiError, type ApiError } from '../api/errors';

export interface Act {
  busy: boolean;
  error: ApiError | undefined;
  /** Does it. Answers whether it succeeded. The request id stays the same until it does, or until the content changes. */
  run: (content: unknown, work: (requestId: string) => Promise<void>) => Promise<boolean>;
  clear: () => void;
}

/** One act of the user: busy while it runs, its refusal kept for showing, repeated under the same request id when the answer was lost. */
export function useAct(): Act {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | undefined>();
  const pending = useRef<{ content: string; id: string } | null>(null);

  const run = useCallback(async (content: unknown, work: (requestId: string) => Promise<void>) => {
    const written = JSON.stringify(content);
    if (pending.current?.content !== written) pending.current = { content: written, id: newRequestId() };
    setBusy(true);
    setError(undefined);
    try {
      await work(pending.current.id);
      pending.current = null;
      return true;
    } catch (thrown) {
      if (!isAbort(thrown)) {
        const refused = toApiError(thrown);
        // Only a lost answer is asked for again; a refusal is final for its id.
        if (!refused.retriable) pending.current = null;
        setError(refused);
      }
      return false;
    } finally {
      setBusy(false);
    }
  }, []);

  const clear = useCallback(() => setError(undefined), []);
  return { busy, error, run, clear };
}
