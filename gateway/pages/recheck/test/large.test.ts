import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { TarReader } from "../src/archive.ts";
import { check, failing, VECTORS } from "./helpers.ts";

it("32,000 subjects are verified, and the bar tells how far it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "recheck-"));
  const path = join(folder, "large.tar.gz");
  execFileSync("python3", [join(VECTORS, "make_large.py"), "32000", path]);
  const bundle = new Uint8Array(readFileSync(path));
  rmSync(folder, { recursive: true });
  const parts: number[] = [];
  const start = performance.now();
  const report = await check(bundle, { size: bundle.length, onProgress: (part) => parts.push(part) });
  const seconds = (performance.now() - start) / 1000;
  expect(report.verdict, failing(report).join(", ")).toBe("verified");
  console.log(`32,000 subjects were verified in ${seconds.toFixed(1)} s`);
  // Only a machine at rest can promise it.
  if (process.env["QINGTIAN_PROVE"]) expect(seconds).toBeLessThan(10);
  expect(parts).toEqual([...parts].sort((a, b) => a - b));
  expect(parts.at(-1)).toBe(1);
});

it("a header that promises terabytes costs nothing", () => {
  const header = new Uint8Array(512);
  const put = (at: number, text: string): void => header.set(new TextEncoder().encode(text), at);
  put(0, "subjects.tsv");
  put(124, "77777777777\0");
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\u000000");
  put(148, `${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `);
  const reader = new TarReader();
  expect(() => reader.push(header)).toThrow(); // given up
  expect(reader.problems.map(({ file }) => file)).toEqual(["subjects.tsv"]);
  expect(reader.files.size).toBe(0);
});
