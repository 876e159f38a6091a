import { afterEach, describe, expect, it } from 'vitest';
import type { Import } from '../src/api/contract/common';
import { ApiError } from '../src/api/errors';
import { beginTransfer, forgetTransfer, goesOn, onTransfers, transferOf } from '../src/lib/transfers';

/** An upload that ends when the test says so. */
function held() {
  let progress: (sent: number, total: number) => void = () => undefined;
  let answer: (done: Import) => void = () => undefined;
  let refuse: (error: unknown) => void = () => undefined;
  const send = (onProgress: typeof progress, signal: AbortSignal) => {
    progress = onProgress;
    signal.addEventListener('abort', () => refuse(new DOMException('aborted', 'AbortError')));
    return new Promise<Import>((resolve, reject) => {
      answer = resolve;
      refuse = reject;
    });
  };
  return { send, progress: (sent: number) => progress(sent, 10), answer: (done: Import) => answer(done), refuse: (error: unknown) => refuse(error) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('an upload', () => {
  afterEach(() => {
    transferOf('subjects')?.stop();
    return settled().then(() => forgetTransfer('subjects'));
  });

  it('goes on without the page that began it, and warns before the window closes until it has arrived', async () => {
    const upload = held();
    let told = 0;
    const leave = onTransfers(() => (told += 1));
    beginTransfer('subjects', 'a.csv', 10, upload.send);
    upload.progress(4);
    expect(transferOf('subjects')).toMatchObject({ fileName: 'a.csv', sent: 4, total: 10, done: null });
    expect(window.onbeforeunload).not.toBeNull();
    leave();
    const before = told;
    upload.progress(10);
    expect(told).toBe(before);
    expect(goesOn(transferOf('subjects'))).toBe(true);
    expect(window.onbeforeunload).toBeNull();
    forgetTransfer('subjects');
    expect(transferOf('subjects')).toBeDefined();
    upload.answer({ name: 'x' } as Import);
    await settled();
    expect(transferOf('subjects')?.done?.name).toBe('x');
    forgetTransfer('subjects');
    expect(transferOf('subjects')).toBeUndefined();
  });

  it('is stopped or refused, and done again with the same file', async () => {
    const upload = held();
    beginTransfer('subjects', 'a.csv', 10, upload.send);
    transferOf('subjects')?.stop();
    await settled();
    expect(transferOf('subjects')).toMatchObject({ stopped: true, error: null });
    transferOf('subjects')?.again();
    expect(goesOn(transferOf('subjects'))).toBe(true);
    upload.refuse(new ApiError(400, 9, 'REGISTER_GUARDED', '须说明理由', 'give a reason', {}, '', [], ''));
    await settled();
    expect(transferOf('subjects')?.error?.reason).toBe('REGISTER_GUARDED');
  });
});
