// The demonstration city under test: where it is, who has an account, where results are kept.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

function need(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see README.md of this folder`);
  return value;
}

/** Address of the site, without a slash at its end. */
export const baseUrl = (): string => need('BASE_URL').replace(/\/$/, '');

/** The binary, whose `verify` has the last word. */
export const binary = (): string => need('QINGTIAN_BIN');

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

/** A place below the folder of this test's results, which exists. */
export function output(...names: string[]): string {
  const results = process.env['OUTPUT'] ?? fileURLToPath(new URL('../../../target/test-output/browser', import.meta.url));
  const place = join(results, ...names);
  mkdirSync(join(place, '..'), { recursive: true });
  return place;
}
