import { useEffect, useState } from 'react';

/** For a dialog that is there only while it is open: where the focus came from, it goes back to. */
export function useFocusBack(): void {
  const [from] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // After the dialog has gone, which would not let the focus out before.
      queueMicrotask(() => {
        if (from instanceof HTMLElement && from.isConnected) from.focus();
      });
    },
    [from],
  );
}
