// The checks on the draw itself: sections 4 and 5.
import { latin, utf8 } from "./bytes.ts";
import type { Evidence } from "./evidence.ts";
import { type Hashes, Tree } from "./hash.ts";
import { say, show } from "./message.ts";
import { type Check, Finding } from "./report.ts";
import type { Selection } from "./select.ts";
import { compare } from "./bytes.ts";
import type { Table } from "./table.ts";

export function merkleCheck(evidence: Evidence, hashes: Hashes): Check {
  const finding = new Finding("merkle");
  const bytes = evidence.files.get("subjects.tsv");
  const { statement } = evidence;
  if (!bytes) finding.skip(evidence.why("subjects.tsv"));
  else if (!statement) finding.skip(evidence.why("statement.json"));
  else {
    const tree = new Tree(hashes);
    for (let at = 0; at < bytes.length; ) {
      const found = bytes.indexOf(10, at);
      const end = found < 0 ? bytes.length : found;
      tree.add(bytes.subarray(at, end));
      at = end + 1;
    }
    if (tree.root() !== statement.merkle_root) finding.fail(say("名单的树根与声明不符", "the tree over the pool is not the one stated"));
  }
  return finding.end(say("名单的树根与声明相符", "the tree over the pool is the one stated"));
}

/** A key that stands in both tables, or null. Both are walked at once where they are sorted. */
export function commonKey(a: Table, b: Table): string | null {
  let i = 0;
  let j = 0;
  let sorted = true;
  const end = (table: Table, line: number): number => table.columnEnd(line, table.start(line));
  const order = (x: Table, i: number, y: Table, j: number): number => compare(x.bytes, y.bytes, x.start(i), end(x, i), y.start(j), end(y, j));
  while (i < a.lines && j < b.lines) {
    const difference = order(a, i, b, j);
    if (difference === 0) return a.text(i, 0);
    if (difference < 0) {
      i++;
      sorted &&= i >= a.lines || order(a, i - 1, a, i) < 0;
    } else {
      j++;
      sorted &&= j >= b.lines || order(b, j - 1, b, j) < 0;
    }
  }
  for (i = Math.max(i, 1); sorted && i < a.lines; i++) sorted = order(a, i - 1, a, i) < 0;
  for (j = Math.max(j, 1); sorted && j < b.lines; j++) sorted = order(b, j - 1, b, j) < 0;
  if (sorted) return null;
  const keys = new Set<string>();
  for (let line = 0; line < b.lines; line++) keys.add(b.text(line, 0));
  for (let line = 0; line < a.lines; line++) if (keys.has(a.text(line, 0))) return a.text(line, 0);
  return null;
}

export function subjectsCheck(evidence: Evidence): Check {
  const finding = new Finding("subjects");
  const { statement } = evidence;
  const subjects = evidence.table("subjects.tsv");
  const leftOut = evidence.table("left_out.tsv");
  if (!subjects) finding.skip(evidence.why("subjects.tsv"));
  else if (!statement) finding.skip(evidence.why("statement.json"));
  else if (subjects.lines !== statement.subjects_n) {
    finding.fail(say(`名单有 ${subjects.lines} 户，声明为 ${statement.subjects_n} 户`, `the pool has ${subjects.lines} subjects, and ${statement.subjects_n} were stated`));
  }
  if (!leftOut) finding.skip(evidence.why("left_out.tsv"));
  if (subjects && leftOut) {
    const both = commonKey(subjects, leftOut);
    if (both !== null) finding.fail(say(`${show(both)} 既在名单中又在未入池名单中`, `${show(both)} is both in the pool and left out`));
  }
  return finding.end(say(`入池 ${statement?.subjects_n} 户，未入池 ${leftOut?.lines} 户`, `${statement?.subjects_n} subjects in the pool, ${leftOut?.lines} left out`));
}

const strataLines = (selection: Selection): string[] => selection.strata.map(({ name, n, k, threshold }) => `${name}\t${n}\t${k}\t${threshold}`);

const strataFile = (selection: Selection): Uint8Array => utf8(strataLines(selection).map((line) => `${line}\n`).join(""));

export function strataCheck(evidence: Evidence, selection: Selection | null, hashes: Hashes): Check {
  const finding = new Finding("strata", "strata.tsv");
  const table = evidence.table("strata.tsv");
  if (!selection) finding.skip(whyNoSelection(evidence));
  else if (!table) {
    // With the pool at hand, its digest in draw.json is enough.
    if (evidence.files.has("strata.tsv")) finding.fail(evidence.why("strata.tsv"));
    else if (!evidence.draw) finding.skip(evidence.why("draw.json"));
    else if (hashes.hex(strataFile(selection)) !== evidence.draw.digests["strata.tsv"]) {
      finding.fail(say("由名单和配额算出的 strata.tsv 与 draw.json 中的摘要不符", "pool and quotas give another strata.tsv than the one that draw.json names"));
    }
  } else {
    const expected = strataLines(selection);
    if (table.lines !== expected.length) finding.fail(say(`strata.tsv 有 ${table.lines} 层，应有 ${expected.length} 层`, `strata.tsv has ${table.lines} strata, not ${expected.length}`));
    for (let line = 0; line < Math.min(table.lines, expected.length); line++) {
      const found = latin(table.bytes, table.start(line), table.end(line));
      if (found !== expected[line]) finding.fail(say(`strata.tsv 第 ${line + 1} 行应为 ${show(expected[line])}`, `strata.tsv line ${line + 1} should be ${show(expected[line])}`));
    }
  }
  return finding.end(say(`${selection?.strata.length} 层的数量和门槛都正确`, `numbers and thresholds of all ${selection?.strata.length} strata are right`));
}

function whyNoSelection(evidence: Evidence): { zh: string; en: string } {
  for (const name of ["subjects.tsv", "rules.json", "draw.json"]) {
    if (name.endsWith(".tsv") ? !evidence.table(name) : name === "rules.json" ? !evidence.rules : !evidence.draw) return evidence.why(name);
  }
  return say("抽取无法重算", "the draw cannot be recomputed");
}

export function selectionCheck(evidence: Evidence, selection: Selection | null, hashes: Hashes): Check {
  const finding = new Finding("selection", "result.tsv");
  const result = evidence.table("result.tsv");
  if (!result) finding.skip(evidence.why("result.tsv"));
  else {
    if (selection) compareDrawn(finding, result, selection);
    else {
      finding.skip(whyNoSelection(evidence));
      inOrder(finding, result);
    }
    if (evidence.draw) {
      const tickets = hashes.tickets(evidence.draw.seed);
      for (let line = 0; line < result.lines; line++) {
        const start = result.start(line);
        const end = result.columnEnd(line, start);
        const ticket = latin(tickets.subject(result.bytes, start, end)) === unhex(result.text(line, 1));
        if (!ticket) finding.fail(say(`第 ${line + 1} 行 ${show(result.text(line, 0))} 的号不对`, `line ${line + 1}: the ticket of ${show(result.text(line, 0))} is wrong`));
      }
    } else finding.skip(evidence.why("draw.json"));
    const leftOut = evidence.table("left_out.tsv");
    const both = !selection && leftOut ? commonKey(result, leftOut) : null;
    if (both !== null) finding.fail(say(`${show(both)} 在未入池名单中，却被抽中`, `${show(both)} was left out, and is drawn`));
  }
  return finding.end(say(`抽中的 ${result?.lines} 户都正确，次序正确`, `all ${result?.lines} drawn subjects are right, and in order`));
}

function unhex(text: string): string {
  let out = "";
  for (let i = 0; i + 1 < text.length; i += 2) out += String.fromCharCode(Number.parseInt(text.slice(i, i + 2), 16));
  return out;
}

function inOrder(finding: Finding, result: Table): void {
  const seen = new Set<string>();
  let before = "";
  for (let line = 0; line < result.lines; line++) {
    const [key, ticket] = result.row(line);
    if (seen.has(key)) finding.fail(say(`第 ${line + 1} 行 ${show(key)} 重复`, `line ${line + 1}: ${show(key)} comes again`));
    if (`${ticket}\t${key}` < before) finding.fail(say(`第 ${line + 1} 行不按号排序`, `line ${line + 1} is not in the order of tickets`));
    seen.add(key);
    before = `${ticket}\t${key}`;
  }
}

function compareDrawn(finding: Finding, result: Table, selection: Selection): void {
  const listed = new Set<string>();
  const drawn = new Set(selection.drawn.map(({ key }) => key));
  for (let line = 0; line < result.lines; line++) {
    const key = result.text(line, 0);
    if (listed.has(key)) finding.fail(say(`${show(key)} 出现两次`, `${show(key)} comes twice`));
    else if (!drawn.has(key)) finding.fail(say(`${show(key)} 未被抽中，却在结果中（第 ${line + 1} 行）`, `${show(key)} was not drawn, and is in the result (line ${line + 1})`));
    listed.add(key);
  }
  for (const { key } of selection.drawn) {
    if (!listed.has(key)) finding.fail(say(`${show(key)} 被抽中，却不在结果中`, `${show(key)} was drawn, and is not in the result`));
  }
  for (let line = 0; !finding.failed() && line < result.lines; line++) {
    if (result.text(line, 0) !== selection.drawn[line].key) {
      finding.fail(say(`第 ${line + 1} 行次序不对，应为 ${show(selection.drawn[line].key)}`, `line ${line + 1} is out of order: it should be ${show(selection.drawn[line].key)}`));
    }
  }
}

export function resultDigestChecks(evidence: Evidence, selection: Selection | null, hashes: Hashes): Check[] {
  return (["strata.tsv", "result.tsv"] as const).map((name) => {
    const finding = new Finding("result_digest", name);
    const bytes = evidence.files.get(name) ?? (name === "strata.tsv" && selection ? strataFile(selection) : undefined);
    if (!bytes) finding.skip(evidence.why(name));
    else if (!evidence.draw) finding.skip(evidence.why("draw.json"));
    else if (hashes.hex(bytes) !== evidence.draw.digests[name]) finding.fail(say(`${name} 与 draw.json 中的摘要不符`, `${name} is not the file that draw.json names`));
    return finding.end(say(`${name} 与签名的摘要相符`, `${name} is the file that draw.json names`));
  });
}
