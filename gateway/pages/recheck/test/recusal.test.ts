import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Bytes, latin, utf8 } from "../src/bytes.ts";
import type { GivenLog } from "../src/checks_log.ts";
import { Hashes } from "../src/hash.ts";
import { digestOf, headText, Log, NOBODY } from "../src/log.ts";
import { type Act, type Placed, Recusals } from "../src/recusals.ts";
import type { Report } from "../src/report.ts";
import { list, Table } from "../src/table.ts";
import { exclusions, people } from "../src/teams.ts";
import { check, failing, read, VECTORS } from "./helpers.ts";

interface Case {
  name: string;
  seed: string;
  statement: string;
  rules: { cover_district: boolean; experts: { count: number; specialty: string | null }; teams: { size: number; specialty: string | null; unit: string }[] };
  revealed_at: string;
  officers: string[];
  experts: string[];
  exclusions: string[];
  drawn: [string, string, string][];
  result: string[];
  visits: [string, string][];
  acts: { act: Act; subject: string; out: string; visited: string[]; time: string; reason: string; asked_by: string; approved_by: string }[];
  log: string[];
  heads: string[];
  after: string[];
}

const cases = JSON.parse(latin(read("recusal.json"))) as Case[];

let hashes: Hashes;
beforeAll(async () => {
  hashes = await Hashes.load();
});

const tableOf = (rows: string[]): Table => Table.of(utf8(rows.map((row) => `${row}\n`).join("")));

function teams(given: Case): Recusals {
  const placed: Placed[] = given.result.map((row, i) => {
    const [key, ticket, officers, experts] = row.split("\t");
    return { key: key ?? "", ticket: ticket ?? "", district: given.drawn[i]?.[2] ?? null, officer: list(officers ?? ""), expert: list(experts ?? "") };
  });
  return new Recusals(
    {
      rules: given.rules,
      tickets: hashes.tickets(given.seed),
      officer: people(tableOf(given.officers)),
      expert: people(tableOf(given.experts)),
      exclusions: exclusions(tableOf(given.exclusions), placed.map(({ key }) => key)),
    },
    placed,
  );
}

function log(given: Case): Log {
  return new Log(hashes, teams(given), hashes.hex(utf8(given.result.map((row) => `${row}\n`).join(""))), given.revealed_at);
}

const rows = (recusals: Recusals): string[] =>
  recusals.rows().map(({ key, officer, expert }) => [key, ...[officer, expert].map((all) => all.map((one) => one ?? NOBODY).join(","))].join("\t"));

describe("recusal after the draw", () => {
  it("does in every case what the specification dictates", () => {
    for (const given of cases) {
      const recusals = teams(given);
      let previous = hashes.hex(utf8(given.result.map((row) => `${row}\n`).join("")));
      for (const [i, asked] of given.acts.entries()) {
        const { change, passed } = recusals.decide(asked.act, asked.subject, asked.out, (subject) => asked.visited.includes(subject));
        const columns = [change.act, change.subject, change.out, change.joins ?? NOBODY, change.other ?? NOBODY];
        const line = [`${i + 1}`, asked.time, ...columns, asked.reason, asked.asked_by, asked.approved_by, previous].join("\t");
        expect(line, given.name).toBe(given.log[i]);
        recusals.apply(change);
        recusals.pass(passed, i + 1);
        previous = digestOf(hashes, line);
        expect(latin(headText(given.statement, i + 1, previous)), given.name).toBe(given.heads[i]);
      }
      expect(rows(recusals), given.name).toEqual(given.after);
    }
    expect(cases.length).toBeGreaterThan(40);
  });

  it("finds nothing wrong with what was dictated, and only visits open where they are not known", () => {
    let hangs = 0;
    for (const given of cases) {
      for (const visits of [new Map(given.visits), null]) {
        const judging = log(given);
        for (const text of given.log) {
          const judged = judging.judge(text, visits);
          expect([...judged.unchained, ...judged.wrong], `${given.name} ${text}`).toEqual([]);
          if (visits) expect(judged.open, `${given.name} ${text}`).toEqual([]);
          else hangs += judged.open.length;
        }
        expect(rows(judging.recusals), given.name).toEqual(given.after);
      }
    }
    expect(hangs).toBeGreaterThan(0);
  });

  it("names every other person, and every column that is changed", () => {
    let changed = 0;
    for (const given of cases) {
      const visits = new Map(given.visits);
      const everybody = [...given.officers, ...given.experts].map((row) => row.split("\t")[0] ?? "");
      for (const [at, text] of given.log.entries()) {
        const columns = text.split("\t");
        const others: (readonly [number, string])[] = [
          [0, `${at + 2}`], [0, "01"], [1, "2026-11-23T00:00:00Z"], [1, "2026-02-30T00:00:00Z"], [2, columns[2] === "WITHDRAW" ? "EXCHANGE" : "WITHDRAW"],
          [3, "S99"], [4, "nobody"], [9, columns[4] ?? ""], [9, columns[8] ?? ""], [10, "0".repeat(64)],
          ...[...everybody, NOBODY].filter((one) => one !== columns[5]).map((one) => [5, one] as const),
        ];
        for (const [column, value] of others) {
          const judging = log(given);
          for (const before of given.log.slice(0, at)) judging.judge(before, visits);
          const judged = judging.judge(columns.map((own, i) => (i === column ? value : own)).join("\t"), visits);
          expect(judged.unchained.length + judged.wrong.length, `${given.name} line ${at + 1} column ${column}: ${value}`).toBeGreaterThan(0);
          changed++;
        }
      }
    }
    expect(changed).toBeGreaterThan(3000);
  });
});

describe("the log of a bundle", () => {
  const names = ["small", "rich", "waived", "names", "withheld-people", "withheld-subjects"];
  const given = (name: string): Required<GivenLog> => {
    const [lines, head, visits] = ["log.tsv", "head.json", "visits.tsv"].map((file) => read(join("logs", name, file)));
    return { lines: lines ?? utf8(""), head: head ?? utf8(""), visits: visits ?? utf8("") };
  };
  const with_ = (name: string, log: GivenLog): Promise<Report> => check(read(`bundles/${name}.tar.gz`), { log });
  const of = (report: Report, id: string): (boolean | null)[] => report.checks.filter((one) => one.id === id).map(({ ok }) => ok);

  it("is verified line by line, as far as the files are public", async () => {
    for (const name of names) {
      const report = await with_(name, given(name));
      const lines = latin(given(name).lines).split("\n").length - 1;
      expect(failing(report), name).toEqual([]);
      expect(of(report, "log_act").length, name).toBe(lines);
      expect([of(report, "log_chain"), of(report, "log_head")], name).toEqual([[true], [true]]);
      expect(of(report, "log_act").every((ok) => (name.startsWith("withheld") ? ok !== false : ok)), name).toBe(true);
    }
    expect(existsSync(join(VECTORS, "logs", "later"))).toBe(false);
  });

  it("without head or visits says what stays open, and never that it is wrong", async () => {
    const { lines, head, visits } = given("rich");
    expect(of(await with_("rich", { lines, visits }), "log_head")).toEqual([null]);
    expect(failing(await with_("rich", { lines, head }))).toEqual([]);
    const keyless = await check(read("bundles/rich.tar.gz"), { log: { lines, head, visits }, jwks: null });
    expect(of(keyless, "log_head")).toEqual([null]);
  });

  it("cut, reordered, rewritten, or under another head, it is not verified", async () => {
    const { lines, head, visits } = given("rich");
    const texts = latin(lines).trimEnd().split("\n");
    const put = (all: string[]): Bytes => utf8(all.map((line) => `${line}\n`).join(""));
    const tampered: Record<string, GivenLog> = {
      "a line dropped at the end": { lines: put(texts.slice(0, -1)), head, visits },
      "a line dropped in the middle": { lines: put(texts.filter((_, i) => i !== 2)), head, visits },
      "two lines swapped": { lines: put([texts[1] ?? "", texts[0] ?? "", ...texts.slice(2)]), head, visits },
      "no line end": { lines: lines.slice(0, -1), head, visits },
      "another byte": { lines: utf8(latin(lines).replace("scjg:office", "scjg:offica")), head, visits },
      "not UTF-8": { lines: Uint8Array.of(255, 10), head, visits },
      "another's head": { lines, head: given("small").head, visits },
      "a head of another form": { lines, head: utf8(`${latin(head)}\n`), visits },
      "visits out of order": { lines, head, visits: put(latin(visits).trimEnd().split("\n").reverse()) },
      "visits without a line end": { lines, head, visits: visits.slice(0, -1) },
      "another draw's log": given("small"),
    };
    for (const [what, log] of Object.entries(tampered)) {
      const report = await with_("rich", log);
      expect(report.verdict, what).toBe("not_verified");
      expect(failing(report).every((id) => id.startsWith("log_")), `${what}: ${failing(report)}`).toBe(true);
    }
    const demo = await check(read("bundles/rich.tar.gz"), { log: given("rich"), demo: false });
    expect(failing(demo)).toContain("log_head log");
  });
});
