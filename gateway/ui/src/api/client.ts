// The one way to the server: same origin, session cookie, page token on everything that changes something.
import { bind } from './bind';
import { routes, type Methods } from './contract/routes';
import { ApiError, isAbort, noAnswer, parseError } from './errors';

export type Method = keyof Methods;
/** What a caller gives: every member may be left out. */
export type Input<M extends Method> = DeepPartial<Methods[M][0]>;
export type Output<M extends Method> = Methods[M][1];

type DeepPartial<T> = T extends (infer Item)[] ? DeepPartial<Item>[] : T extends object ? { [Key in keyof T]?: DeepPartial<T[Key]> } : T;

let csrfToken = '';
let onSignedOut: () => void = () => undefined;
let clockOffsetMs = 0;

const onRenewal = new Set<() => void>();

/** Keeps the page token of the session, and tells those who wait for one. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
  if (token) for (const act of [...onRenewal]) act();
}

/** Does something when somebody has signed in again; answers how to stop that. */
export function whenRenewed(act: () => void): () => void {
  onRenewal.add(act);
  return () => onRenewal.delete(act);
}

/** Names what happens when the server says that nobody is signed in. */
export function setOnSignedOut(act: () => void): void {
  onSignedOut = act;
}

/** The server's time in milliseconds since 1970, as far as its `Date` headers tell; good to about a second. */
export function serverNow(): number {
  return Date.now() + clockOffsetMs;
}

/** A new key for an act, so that repeating it after a lost answer does nothing twice (AIP-155). */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Calls a method of the contract. Throws `ApiError`, or `AbortError` when the signal ended it. Personal data needs a `purpose` (art. 44). */
export async function call<M extends Method>(method: M, request: Input<M>, signal?: AbortSignal, purpose?: string): Promise<Output<M>> {
  return ask(method, bind(routes[method], request as object), signal, purpose);
}

/** As `call`, for a method whose body are bytes. */
export async function callWithBytes<M extends Method>(method: M, request: Input<M>, bytes: Blob, signal: AbortSignal): Promise<Output<M>> {
  return ask(method, { ...bind(routes[method], request as object), body: bytes }, signal);
}

async function ask<M extends Method>(method: M, { verb, url, body }: { verb: string; url: string; body?: string | Blob }, signal?: AbortSignal, purpose?: string): Promise<Output<M>> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (verb !== 'GET' && csrfToken) headers['x-csrf-token'] = csrfToken;
  if (body !== undefined) headers['content-type'] = typeof body === 'string' ? 'application/json' : 'text/csv';
  // Headers are ASCII; purposes are Chinese.
  if (purpose) headers['x-purpose'] = encodeURIComponent(purpose);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { method: verb, headers, credentials: 'same-origin', ...(body === undefined ? {} : { body }), ...(signal ? { signal } : {}) });
    text = await response.text();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw noAnswer();
  }
  noteClock(response.headers.get('date'));
  if (!response.ok) {
    const refused = parseError(response.status, text, response.headers.get('x-trace-id') ?? '');
    if (refused.status === 401 && method !== 'Sessions.SignIn') onSignedOut();
    throw refused;
  }
  try {
    return (text === '' ? {} : JSON.parse(text)) as Output<M>;
  } catch {
    throw new ApiError(response.status, 0, 'BAD_ANSWER', '服务器的答复不完整，请重试。', 'The answer of the server was incomplete; try again.', {}, '', [], '');
  }
}

/** The address of a download, to be used as a link. */
export function addressOf<M extends Method>(method: M, request: Input<M>): string {
  return bind(routes[method], request as object).url;
}

/** Fetches a download that has to state its purpose (art. 44), and hands it to the browser under a file name. */
export async function download<M extends Method>(method: M, request: Input<M>, purpose: string, fileName: string): Promise<void> {
  const { url } = bind(routes[method], request as object);
  let response: Response;
  let file: Blob;
  try {
    response = await fetch(url, { headers: { 'x-purpose': encodeURIComponent(purpose) }, credentials: 'same-origin' });
    file = await response.blob();
  } catch {
    throw noAnswer();
  }
  noteClock(response.headers.get('date'));
  if (!response.ok) {
    const refused = parseError(response.status, await file.text(), response.headers.get('x-trace-id') ?? '');
    if (refused.status === 401) onSignedOut();
    throw refused;
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Sends a file as the raw body of an upload method and tells how many bytes have gone. */
export function upload<M extends Method>(method: M, request: Input<M>, file: Blob, onProgress: (sent: number, total: number) => void, signal: AbortSignal): Promise<Output<M>> {
  const { verb, url } = bind(routes[method], request as object);
  return new Promise((resolve, reject) => {
    const transfer = new XMLHttpRequest();
    transfer.open(verb, url);
    transfer.setRequestHeader('content-type', 'text/csv');
    transfer.setRequestHeader('x-csrf-token', csrfToken);
    transfer.upload.onprogress = (event) => onProgress(event.loaded, event.total || file.size);
    transfer.onerror = () => reject(noAnswer());
    transfer.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    transfer.onload = () => {
      if (transfer.status >= 200 && transfer.status < 300) {
        try {
          resolve(JSON.parse(transfer.responseText) as Output<M>);
        } catch {
          reject(noAnswer());
        }
        return;
      }
      const refused = parseError(transfer.status, transfer.responseText, transfer.getResponseHeader('x-trace-id') ?? '');
      if (refused.status === 401) onSignedOut();
      reject(refused);
    };
    signal.addEventListener('abort', () => transfer.abort(), { once: true });
    transfer.send(file);
  });
}

function noteClock(header: string | null): void {
  const told = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(told)) return;
  // The header counts whole seconds: half a second is added, and less than two seconds is not called a difference.
  const offset = told + 500 - Date.now();
  clockOffsetMs = Math.abs(offset) < 2000 ? 0 : offset;
}
