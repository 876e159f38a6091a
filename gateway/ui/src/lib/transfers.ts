// Uploads that go on while their page is left: kept here, outside of any page, until the server has answered.
import type { Import } from '../api/contract/common';
import { isAbort, toApiError, type ApiError } from '../api/errors';

/** What an upload is for; one of each goes on at a time. */
export type TransferKind = 'subjects' | 'items';

export interface Transfer {
  kind: TransferKind;
  fileName: string;
  /** Bytes that have gone, of so many. */
  sent: number;
  total: number;
  /** What became of it, once the server has answered. */
  done: Import | null;
  error: ApiError | null;
  stopped: boolean;
  /** Does the same again, with the same file. */
  again: () => void;
  stop: () => void;
}

type Send = (onProgress: (sent: number, total: number) => void, signal: AbortSignal) => Promise<Import>;

let transfers: Readonly<Partial<Record<TransferKind, Transfer>>> = {};
const listeners = new Set<() => void>();

/** Tells when a transfer moved; answers how to stop listening. */
export function onTransfers(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The transfer of a kind, if there is one. */
export function transferOf(kind: TransferKind): Transfer | undefined {
  return transfers[kind];
}

/** Whether it has neither been answered nor ended. */
export function goesOn(transfer: Transfer | undefined): transfer is Transfer {
  return transfer !== undefined && !transfer.done && !transfer.error && !transfer.stopped;
}

/** Forgets a transfer that ended. */
export function forgetTransfer(kind: TransferKind): void {
  if (!goesOn(transfers[kind])) put(kind, undefined);
}

/** Begins a transfer. It takes nothing from the page that began it. */
export function beginTransfer(kind: TransferKind, fileName: string, size: number, send: Send): void {
  const ending = new AbortController();
  const change = (changes: Partial<Transfer>) => {
    const now = transfers[kind];
    // Another one may have taken its place.
    if (now && now.stop === stop) put(kind, { ...now, ...changes });
  };
  const stop = () => ending.abort();
  put(kind, { kind, fileName, sent: 0, total: size, done: null, error: null, stopped: false, stop, again: () => beginTransfer(kind, fileName, size, send) });
  send((sent, total) => change({ sent, total }), ending.signal).then(
    (done) => change({ done }),
    (thrown: unknown) => change(isAbort(thrown) ? { stopped: true } : { error: toApiError(thrown) }),
  );
}

function put(kind: TransferKind, transfer: Transfer | undefined): void {
  const rest = { ...transfers };
  delete rest[kind];
  transfers = transfer ? { ...rest, [kind]: transfer } : rest;
  const any = Object.values(transfers).some((one) => goesOn(one) && one.sent < one.total);
  // What has not arrived whole is lost with the window: the browser asks before it is closed.
  window.onbeforeunload = any ? (event: BeforeUnloadEvent) => event.preventDefault() : null;
  for (const listener of listeners) listener();
}
