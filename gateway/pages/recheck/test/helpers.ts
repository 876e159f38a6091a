import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bytes } from "../src/bytes.ts";
import { isSignature } from "../src/drand.ts";
import type { CheckId, Report } from "../src/report.ts";
import { type Input, verify } from "../src/verify.ts";

/** The vectors, made in Python from the specification alone. */
export const VECTORS = fileURLToPath(new URL("../../../../tests/vectors/", import.meta.url));
export const vectors = JSON.parse(readFileSync(join(VECTORS, "vectors.json"), "utf8"));
export const jwks: unknown = JSON.parse(readFileSync(join(VECTORS, "jwks.json"), "utf8"));

export const read = (path: string): Bytes => new Uint8Array(readFileSync(join(VECTORS, path)));

export function withheld(folder: string | null): Map<string, Bytes> {
  if (folder === null || !existsSync(join(VECTORS, folder))) return new Map();
  return new Map(readdirSync(join(VECTORS, folder)).map((name) => [name, read(join(folder, name))]));
}

export function check(bundle: Bytes, more: Partial<Input> = {}): Promise<Report> {
  return verify({ bundle: new Blob([bundle]).stream(), jwks, demo: true, drand: () => Promise.resolve(isSignature), ...more });
}

/** The checks that failed, `id` or `id file`. */
export const failing = (report: Report): string[] =>
  report.checks.filter(({ ok }) => ok === false).map(({ id, file }) => (file === undefined ? id : `${id} ${file}`));

export interface Tampering {
  readonly name: string;
  readonly bundle: string;
  readonly expect: { readonly check: CheckId; readonly file?: string };
}

/** Every tampering of a bundle, made by tamper.py. */
export function tamperings(bundle: string): { folder: string; items: Tampering[] } {
  const folder = mkdtempSync(join(tmpdir(), "recheck-"));
  execFileSync("python3", [join(VECTORS, "tamper.py"), join(VECTORS, "bundles", bundle), folder], { stdio: ["ignore", "ignore", "inherit"] });
  return { folder, items: JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) };
}
