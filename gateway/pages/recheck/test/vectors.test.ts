import { beforeAll, describe, expect, it } from "vitest";
import { latin, lines, toHex, utf8 } from "../src/bytes.ts";
import { type Quota, readStatement } from "../src/documents.ts";
import { isSignature } from "../src/drand.ts";
import { isBeacon, isBeaconValue, isDate, isDigest, isDrawId, isName, isTime, isValue } from "../src/forms.ts";
import type { Evidence } from "../src/evidence.ts";
import { Hashes, Tree } from "../src/hash.ts";
import { canonical, parseJson } from "../src/json.ts";
import { notesOf } from "../src/notes.ts";
import { countStrata, quotaSize, select } from "../src/select.ts";
import { Table } from "../src/table.ts";
import { exclusions, expertsFor, people, Placing, teamFor } from "../src/teams.ts";
import { check, failing, read, vectors, withheld } from "./helpers.ts";

let hashes: Hashes;
beforeAll(async () => {
  hashes = await Hashes.load();
});

const tableOf = (rows: string[]): Table => Table.of(utf8(rows.map((row) => `${row}\n`).join("")));

describe("the vectors of the specification", () => {
  it("commitments", () => {
    for (const { draw_id, secret, commitment } of vectors.commitment) expect(hashes.hex(lines("qingtian-commit-v1", draw_id, secret))).toBe(commitment);
  });

  it("trees of every size", () => {
    for (const { lines: leaves, root } of vectors.merkle) {
      const tree = new Tree(hashes);
      for (const leaf of leaves) tree.add(utf8(leaf));
      expect(tree.root(), `${leaves.length} leaves`).toBe(root);
    }
  });

  it("seeds", () => {
    for (const { statement, secret, entries, seed } of vectors.seed) expect(hashes.hex(lines("qingtian-draw-v1", statement, secret, ...entries))).toBe(seed);
  });

  it("tickets, of one block and of two", () => {
    const tickets = hashes.tickets(vectors.tickets.seed);
    for (const { key, ticket } of vectors.tickets.subjects) expect(toHex(tickets.subject(utf8(key), 0, key.length))).toBe(ticket);
    for (const { role, person, subject, ticket } of vectors.tickets.people) expect(toHex(tickets.person(role, person, subject))).toBe(ticket);
  });

  it("how many are drawn", () => {
    for (const { n, quota, k } of vectors.k) expect(quotaSize(n, quota as Quota), `${n} ${JSON.stringify(quota)}`).toBe(k);
  });

  it("selections", () => {
    for (const { seed, subjects, quotas, strata, drawn } of vectors.selection) {
      const table = tableOf(subjects);
      const found = select(table, countStrata(table), new Map(Object.entries(quotas as Record<string, Quota>)), hashes.tickets(seed), () => undefined);
      expect(found.strata.map(({ name, n, k, threshold }) => [name, n, k, threshold].join("\t"))).toEqual(strata);
      expect(found.drawn.map(({ key, ticket }) => [key, ticket])).toEqual(drawn);
    }
  });

  it.each(vectors.teams as { title: string }[])("teams: $title", (given) => {
    const one = given as any;
    const rules = { cover_district: one.cover_district, teams: one.teams, experts: one.experts } as any;
    const drawn = one.drawn.map(([key, ticket, district]: string[]) => ({ key, ticket, district }));
    const excluded = exclusions(tableOf(one.exclusions), drawn.map(({ key }: { key: string }) => key));
    const tickets = hashes.tickets(one.seed);
    const officers = new Placing("officer", tickets, people(tableOf(one.officers)), one.cover_district, excluded);
    const experts = new Placing("expert", tickets, people(tableOf(one.experts_tsv)), one.cover_district, excluded);
    const result = drawn.map((subject: any) => {
      const { team } = teamFor(officers, rules, subject);
      const helpers = team ? expertsFor(experts, rules, subject, team).experts : [];
      return [subject.key, subject.ticket, (team ?? []).join(","), helpers.join(",")].join("\t");
    });
    expect(result).toEqual(one.result);
  });

  it("forms that are allowed and forms that are not", () => {
    const forms: Record<string, (text: string) => boolean> = { name: isName, value: isValue, draw_id: isDrawId, time: isTime, date: isDate, digest: isDigest };
    for (const [form, allowed] of Object.entries(forms)) {
      for (const text of vectors.forms[form].valid) expect(allowed(text), `${form} ${text}`).toBe(true);
      for (const text of vectors.forms[form].invalid) expect(allowed(text), `${form} ${text}`).toBe(false);
    }
    const beacon = ([name, value]: string[]): boolean => isBeacon(name) && isBeaconValue(name, value);
    for (const pair of vectors.forms.beacon.valid) expect(beacon(pair), pair.join(" ")).toBe(true);
    for (const pair of vectors.forms.beacon.invalid) expect(beacon(pair), pair.join(" ")).toBe(false);
  });

  it("signatures of drand's rounds, and what is none", () => {
    const signed = ([name, value]: string[]): boolean => isSignature(name.slice("drand:quicknet:".length), value);
    for (const pair of vectors.forms.beacon_signature.valid) expect(signed(pair), pair.join(" ")).toBe(true);
    for (const pair of vectors.forms.beacon_signature.invalid) expect(signed(pair), pair.join(" ")).toBe(false);
  });

  it("a drand round that was public before the entries closed is told", () => {
    const note = (contributor: string, close: string): string => {
      const rules = { entropy: [{ contributor, kind: "BEACON", unit: null }], beacon_waived: null, withheld: null, publish_after: null };
      const evidence = { rules, statement: { entries_close: close }, draw: null, signatures: null, table: () => null };
      return notesOf(evidence as unknown as Evidence, { tight: null, withoutTeam: null }).map(({ en }) => en).join("\n");
    };
    expect(note("drand:quicknet:31543812", "2026-08-22T21:39:59Z")).not.toMatch(/public before entries closed/);
    expect(note("drand:quicknet:31543812", "2026-08-22T21:40:00Z")).toMatch(/round 31543812 of drand was public before entries closed/);
    expect(note("lottery:ssq:2026141", "2027-01-01T00:00:00Z")).not.toMatch(/public before/);
  });

  it("a drand beacon is not checked where its script cannot be had", async () => {
    const report = await check(read("bundles/rich.tar.gz"), { drand: () => Promise.reject(new Error("gone")) });
    expect(report.verdict).toBe("partly");
    expect(report.checks.filter(({ ok }) => ok === null).map(({ id }) => id)).toEqual(["beacon_signature"]);
    const other = await check(read("bundles/small.tar.gz"), { drand: () => Promise.reject(new Error("never asked for")) });
    expect(other.verdict).toBe("verified");
  });
});

describe("the bundles", () => {
  interface Vector {
    name: string;
    bundle: string;
    with: string | null;
    draw_id: string;
    verdicts: Record<string, string>;
  }

  for (const { name, bundle, with: folder, draw_id, verdicts } of vectors.bundles as Vector[]) {
    for (const [given, verdict] of Object.entries(verdicts)) {
      it(`${name}, given ${given}: ${verdict}`, async () => {
        const words = given.split(",");
        const report = await check(read(bundle), {
          demo: words.includes("demo"),
          ...(words.includes("jwks") ? {} : { jwks: null }),
          added: words.includes("with") ? withheld(folder) : new Map(),
        });
        expect(report.verdict, failing(report).join(", ")).toBe(verdict);
        expect(report.draw_id).toBe(draw_id);
        if (verdict === "not_verified") expect(failing(report)).toEqual(["signature statement", "signature entries", "signature draw"]);
      });
    }
  }

  it("never says verified while teams could not be checked", async () => {
    const report = await check(read("bundles/withheld-people.tar.gz"));
    expect(report.checks.find(({ id }) => id === "teams")?.ok).toBeNull();
    expect(report.verdict).toBe("partly");
  });

  it("names its beacon, its predecessor and its empty strata", async () => {
    const notes = (report: Awaited<ReturnType<typeof check>>): string => report.notes.map(({ en }) => en).join("\n");
    expect(notes(await check(read("bundles/later.tar.gz")))).toMatch(/lottery:ssq:2026135 gave 01 08 15 22 30 33 16[^]*replaces draws\/2025-9999/);
    expect(notes(await check(read("bundles/bounds.tar.gz")))).toMatch(/Stratum count-0: none of its 4[^]*Stratum ppm-all: all of its 4/);
    expect(notes(await check(read("bundles/rich.tar.gz")))).toMatch(/11 subjects have no team[^]*5 subjects had no more candidates than places/);
  });

  it("withheld files that were changed are found out", async () => {
    const added = withheld("withheld/withheld-people");
    const bytes = Uint8Array.from(added.get("officers.tsv") ?? []);
    bytes[bytes.length - 2] = bytes[bytes.length - 2] === 48 ? 49 : 48;
    added.set("officers.tsv", bytes);
    const report = await check(read("bundles/withheld-people.tar.gz"), { added });
    expect(failing(report)).toContain("digest officers.tsv");
  });
});

describe("strict JSON", () => {
  it("writes what it read, and nothing else passes", () => {
    for (const text of ['{"__proto__":1,"a":[null,true,"\\u0001\\n\\"\\\\€"]}', "[]", '{"10":1,"9":2}']) {
      const { value, problem } = parseJson(utf8(text));
      expect(problem, text).toBeNull();
      expect(canonical(value as never)).toBe(text);
    }
    for (const text of ['{"a":1,"a":1}', '{"b":1,"a":2}', "[1.0]", "[1e0]", "[-0]", '["\\u0061"]', '["\\/"]', " []", "[]\n", "\ufeff[]", "[1,]", "", '["\\ud800"]']) {
      expect(parseJson(utf8(text)).problem, text).not.toBeNull();
    }
  });

  it("a statement that lacks a member cannot be used, one with a member too many can", () => {
    const text = latin(utf8(JSON.stringify({ a: 1 })));
    expect(readStatement(utf8(text)).value).toBeNull();
    expect(readStatement(utf8(text)).problems.length).toBeGreaterThan(10);
  });
});
