// Large files go to the server in pieces, and go on where they stopped (art. 24): after a broken line by themselves, after the page was
// reloaded when the same file is chosen again.
import { call, callWithBytes, upload, type Input, type Output } from './client';
import { isAbort, toApiError, type ApiError } from './errors';

/** Files beyond it go in pieces of this size. */
export const PIECE_BYTES = 4 << 20;
/** Failures in a row, with growing pauses between them, before a person is asked. */
const TRIES = 8;
const PAUSE_MS = { first: 1000, most: 30_000, running: 2000 };

/** What may be imported from, and where its uploads are kept. */
const homes = {
  'Registers.ImportSubjects': ['Uploads', 'uploads'],
  'Experts.ImportExperts': ['Uploads', 'uploads'],
  'Catalog.ImportItems': ['ItemUploads', 'itemUploads'],
} as const;
type Importing = keyof typeof homes;

/** Imports a file. Its progress is what the server holds. Throws `ApiError`, or `AbortError`; the same again goes on. */
export async function importFile<M extends Importing>(method: M, request: Input<M> & { parent: string }, file: File, onProgress: (sent: number, total: number) => void, signal: AbortSignal, pause = wait): Promise<Output<M>> {
  if (file.size <= PIECE_BYTES) return upload(method, request, file, onProgress, signal);
  const [service, collection] = homes[method];
  const remembered = `upload/${request.parent}/${collection}/${file.name}/${file.size}/${file.lastModified}`;
  const steadily = <T>(act: () => Promise<T>) => repeat(act, signal, pause);
  const forget = (name: string) => {
    localStorage.removeItem(remembered);
    // What is forgotten ends by itself a day later.
    call(`${service}.DeleteUpload`, { name }).catch(() => undefined);
  };

  let kept = await find(remembered, (name) => steadily(() => call(`${service}.GetUpload`, { name }, signal)));
  kept ??= await steadily(() => call(`${service}.CreateUpload`, { parent: request.parent, upload: { fileName: file.name, mediaType: file.type, length: String(file.size) } }, signal));
  const { name } = kept;
  localStorage.setItem(remembered, name);
  onProgress(Number(kept.offset), file.size);
  while (kept.state === 'UPLOAD_STATE_OPEN') {
    kept = await steadily(async () => {
      const { offset } = await call(`${service}.GetUpload`, { name }, signal);
      onProgress(Number(offset), file.size);
      return callWithBytes(`${service}.AppendUpload`, { name, offset }, file.slice(Number(offset), Number(offset) + PIECE_BYTES), signal);
    });
    onProgress(Number(kept.offset), file.size);
  }

  try {
    for (;;) {
      // A lost answer, or one that takes too long, is asked for again: it is the same import.
      const done = await steadily(() => callWithBytes(method, { ...request, upload: name }, new Blob([]), signal));
      const state = 'state' in done ? done.state : 'IMPORT_STATE_FINISHED';
      if (state !== 'IMPORT_STATE_RUNNING') {
        if (state !== 'IMPORT_STATE_INTERRUPTED') forget(name);
        return done;
      }
      await pause(PAUSE_MS.running, signal);
    }
  } catch (thrown) {
    // Of a file that cannot be read nothing is to be gone on with.
    if (!isAbort(thrown) && ['FILE_UNREADABLE', 'TOO_LARGE', 'NOT_FOUND'].includes(toApiError(thrown).reason)) forget(name);
    throw thrown;
  }
}

/** The upload that was begun, unless it has ended. */
async function find<T>(remembered: string, get: (name: string) => Promise<T>): Promise<T | null> {
  const name = localStorage.getItem(remembered);
  if (name === null) return null;
  try {
    return await get(name);
  } catch (thrown) {
    if (isAbort(thrown) || toApiError(thrown).reason !== 'NOT_FOUND') throw thrown;
    localStorage.removeItem(remembered);
    return null;
  }
}

/** Does something until it succeeds, with growing pauses, as long as another try may help. */
async function repeat<T>(act: () => Promise<T>, signal: AbortSignal, pause: typeof wait): Promise<T> {
  for (let failed = 0; ; failed += 1) {
    try {
      return await act();
    } catch (thrown) {
      if (isAbort(thrown)) throw thrown;
      const error: ApiError = toApiError(thrown);
      // Somebody, perhaps this page's last try, was faster: the next one asks where it stands.
      if (failed + 1 >= TRIES || !(error.retriable || error.reason === 'UPLOAD_OFFSET')) throw error;
      await pause(Math.min(PAUSE_MS.most, PAUSE_MS.first * 2 ** failed), signal);
    }
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = () => {
      clearTimeout(timer);
      reject(new DOMException('aborted', 'AbortError'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', ended);
      resolve();
    }, ms);
    if (signal.aborted) ended();
    else signal.addEventListener('abort', ended, { once: true });
  });
}
