import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { check, failing, tamperings } from "./helpers.ts";

// Every tampering must be refused, and by the check that it is about; see tests/vectors/README.md.
describe("tampered bundles", () => {
  for (const bundle of ["small", "rich", "waived", "withheld-people", "withheld-subjects"]) {
    it(`every tampering of ${bundle} is named`, async () => {
      const { folder, items } = tamperings(`${bundle}.tar.gz`);
      const missed: string[] = [];
      for (const { name, bundle: file, expect: expected } of items) {
        const report = await check(new Uint8Array(readFileSync(join(folder, file))));
        const wanted = expected.file === undefined ? null : `${expected.check} ${expected.file}`;
        const found = report.checks.some(({ id, ok, file }) => ok === false && id === expected.check && (wanted === null || file === expected.file));
        if (!found || report.verdict === "verified" || report.verdict === "partly") missed.push(`${name}: ${report.verdict}, ${failing(report).join(", ")}`);
      }
      rmSync(folder, { recursive: true });
      expect(missed).toEqual([]);
      expect(items.length).toBeGreaterThan(300);
    });
  }
});
