// The demonstration city under test: where it is, who has an account, where results are kept.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@playwright/test';

function need(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see README.md of this folder`);
  return value;
}

/** Address of the site, without a slash at its end. */
export const baseUrl = (): string => need('BASE_URL').replace(/\/$/, '');

/** The binary, whose `verify` has the last word. */
export const binary = (): string => need('QINGTIAN_BIN');

/** Number of the draw over the real register, where one was made. */
export const realDraw = (): string | undefined => process.env['REAL_DRAW'];

export interface Account {
  username: string;
  password: string;
  real_name: string;
  organisation: string;
}

export type Username = 'operator' | 'market-admin' | 'market-handler' | 'market-reviewer' | 'supervision' | 'auditor' | 'market-officer-01';

/** A demonstration account, from the file that `up` and `demo` keep. */
export function account(username: Username): Account {
  const accounts = JSON.parse(readFileSync(need('ACCOUNTS'), 'utf8')) as Account[];
  const found = accounts.find((one) => one.username === username);
  if (!found) throw new Error(`no account ${username}`);
  return found;
}

/** Numbers of the demonstration's plan and of the draw over it. Each year counts its own: only the city knows them. */
export async function demonstration(): Promise<{ plan: string; draw: string }> {
  const answer = await fetch(`${baseUrl()}/v1/public/plans?query=${encodeURIComponent('年度市场主体“双随机、一公开”')}`);
  const { plans } = (await answer.json()) as { plans?: readonly { plan: { name: string }; draws?: readonly string[] }[] };
  const first = plans?.at(-1);
  const draw = first?.draws?.at(0);
  if (!first || !draw) throw new Error('the city has no draw of the demonstration');
  return { plan: first.plan.name.replace('plans/', ''), draw: draw.replace('draws/', '') };
}

/** Waits until portal has heard of a draw's visits: it follows the other parts, a moment behind them. */
export async function published(number: string): Promise<void> {
  const visits = async () => {
    const answer = await fetch(`${baseUrl()}/v1/public/draws/${number}`);
    return answer.ok ? Number(((await answer.json()) as { visits?: string }).visits ?? 0) : 0;
  };
  await expect.poll(visits, { message: `visits of ${number} in public` }).toBeGreaterThan(0);
}

/** A place below the folder of this test's results, which exists. */
export function output(...names: string[]): string {
  const results = process.env['OUTPUT'] ?? fileURLToPath(new URL('../../../target/test-output/browser', import.meta.url));
  const place = join(results, ...names);
  mkdirSync(join(place, '..'), { recursive: true });
  return place;
}
