import { cleanup, configure, fireEvent, render, screen } from '@testing-library/react';
import { App } from 'antd';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Contributor, Draw } from '../src/api/contract/draws';
import { LanguageProvider } from '../src/i18n';
import { AddEntry } from '../src/pages/draws/add-entry';
import { SessionProvider } from '../src/session';

// No test may depend on how fast the machine is.
const patienceMs = 60_000;
configure({ asyncUtilTimeout: patienceMs });

beforeEach(() => {
  vi.stubGlobal('fetch', vi.fn(() => Promise.resolve(new Response('{"csrfToken":"","demonstration":true}'))));
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function boxes(): Promise<HTMLInputElement[]> {
  const draw = { name: 'draws/2026-0001', statement: 'ab'.repeat(32) } as Draw;
  const contributor = { contributor: 'organisations/supervision' } as Contributor;
  render(
    <App>
      <LanguageProvider>
        <SessionProvider>
          <AddEntry draw={draw} contributor={contributor} onGiven={() => undefined} />
        </SessionProvider>
      </LanguageProvider>
    </App>,
  );
  return screen.findAllByRole<HTMLInputElement>('textbox');
}

const faces = (inputs: HTMLInputElement[]) => inputs.map((input) => input.value).join('|');

it('dice typed into the first box are spread, and typing goes on behind them', { timeout: 2 * patienceMs }, async () => {
  const inputs = await boxes();
  fireEvent.change(inputs[0]!, { target: { value: '426' } });
  expect(faces(inputs)).toBe('4|2|6|||');
  expect(document.activeElement).toBe(inputs[3]);
  fireEvent.change(inputs[3]!, { target: { value: '1' } });
  expect(faces(inputs)).toBe('4|2|6|1||');
  expect(document.activeElement).toBe(inputs[4]);
});

it('dice pasted over a face replace it and those behind it', { timeout: 2 * patienceMs }, async () => {
  const inputs = await boxes();
  fireEvent.change(inputs[0]!, { target: { value: '426135' } });
  fireEvent.paste(inputs[1]!, { clipboardData: { getData: () => '2 1' } });
  expect(faces(inputs)).toBe('4|2|1|1|3|5');
});
