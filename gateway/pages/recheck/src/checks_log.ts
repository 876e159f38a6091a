// The checks of the log (section 6): `log_format`, `log_chain`, `log_act` for each line, `log_head`.
import type { Bytes } from "./bytes.ts";
import { readLogHead, type LogHead } from "./documents.ts";
import type { Evidence } from "./evidence.ts";
import { isName, isTime } from "./forms.ts";
import type { Hashes } from "./hash.ts";
import { digestOf, headText, Log, NOBODY } from "./log.ts";
import { type Message, say, show } from "./message.ts";
import { Obstacle, type Placed, Recusals } from "./recusals.ts";
import { type Check, Finding } from "./report.ts";
import { type Key, signedBy } from "./signatures.ts";
import { list } from "./table.ts";
import { exclusions, people } from "./teams.ts";

/** The log of a draw, and what else is known of it. */
export interface GivenLog {
  readonly lines: Bytes;
  /** Its signed head; without it lines may be missing at the end. */
  readonly head?: Bytes;
  /** `subject TAB time` for every visited subject, sorted; without it nobody can say whom an exchange passed over. */
  readonly visits?: Bytes;
}

/** A longer log is refused: each line has a verdict of its own. */
const LINES_MAX = 200_000;
export const LOG_BYTES_MAX = 64 * 1024 * 1024;

export function logChecks(
  evidence: Evidence, hashes: Hashes, given: GivenLog, keys: readonly Key[] | null, demo: boolean,
): { checks: Check[]; notes: Message[] } {
  const texts = textsOf(given.lines);
  if (!Array.isArray(texts)) return { checks: [wrong("log_format", "log", texts as Message)], notes: [] };
  const checks: Check[] = [new Finding("log_format", "log").end(say(`日志有 ${texts.length} 行`, `${texts.length} lines of plain text`))];
  let visits: ReadonlyMap<string, string> | null = null;
  if (given.visits) {
    const read = visitsOf(given.visits);
    if (read instanceof Map) visits = read;
    else checks.push(wrong("log_format", "visits", read as Message));
  }
  const notes: Message[] = [];
  const log = start(evidence, hashes);
  let signedAt: string | null = null;
  if (log instanceof Log) {
    signedAt = replay(log, evidence.draw?.revealed_at ?? "", texts, visits, checks, notes);
  } else {
    const finding = new Finding("log_act");
    for (const why of log) finding.skip(why);
    checks.push(finding.end(say("", "")));
  }
  checks.push(headCheck(evidence, hashes, given, texts, signedAt, keys, demo));
  return { checks, notes };
}

function wrong(id: "log_format", file: string, message: Message): Check {
  return { id, ok: false, file, message };
}

function decoded(bytes: Bytes): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The lines without their LF, or why they cannot be read. */
function textsOf(bytes: Bytes): string[] | Message {
  const text = decoded(bytes);
  if (text === null) return say("日志不是 UTF-8 文本", "the log is not text in UTF-8");
  if (text === "") return [];
  if (!text.endsWith("\n")) return say("日志最后一行没有以换行结束", "the last line of the log does not end with LF");
  const texts = text.slice(0, -1).split("\n");
  return texts.length > LINES_MAX ? say(`日志超过 ${LINES_MAX} 行`, `the log has more than ${LINES_MAX} lines`) : texts;
}

/** When each subject was visited, or why that cannot be read. */
function visitsOf(bytes: Bytes): ReadonlyMap<string, string> | Message {
  const visits = new Map<string, string>();
  const text = decoded(bytes);
  const at = (line: number): Message => say(`检查时间表第 ${line} 行不合写法，或次序不对`, `line ${line} of the visits is not of its form, or out of order`);
  if (text === null) return say("检查时间表不是 UTF-8 文本", "the visits are not text in UTF-8");
  if (text !== "" && !text.endsWith("\n")) return say("检查时间表最后一行没有以换行结束", "the last line of the visits does not end with LF");
  const lines = text === "" ? [] : text.slice(0, -1).split("\n");
  let before = "";
  for (const [i, line] of lines.entries()) {
    const [subject, time, ...more] = line.split("\t");
    if (subject === undefined || time === undefined || more.length > 0 || !isName(subject) || !isTime(time)) return at(i + 1);
    if (i > 0 && before >= subject) return at(i + 1);
    before = subject;
    visits.set(subject, time);
  }
  return visits;
}

/** The log before its first line, or why nothing can be computed from the bundle. */
function start(evidence: Evidence, hashes: Hashes): Log | Message[] {
  const { rules, draw } = evidence;
  const result = evidence.table("result.tsv");
  const bytes = evidence.files.get("result.tsv");
  const isBroken = (name: string): boolean => evidence.isBroken(name);
  const lacking = (["result.tsv", "rules.json", "draw.json"] as const).filter(
    (name) => isBroken(name) || !{ "result.tsv": result, "rules.json": rules, "draw.json": draw }[name],
  );
  if (lacking.length > 0 || !result || !bytes || !rules || !draw) return lacking.map((name) => evidence.why(name));
  const usable = (name: string) => (isBroken(name) ? null : evidence.table(name));
  const districts = new Map<string, string>();
  const subjects = usable("subjects.tsv");
  const placed: Placed[] = Array.from({ length: result.lines }, (_, line) => {
    const [key, ticket, officer, expert] = result.row(line);
    return { key, ticket, district: null, officer: list(officer), expert: list(expert) };
  });
  if (subjects) {
    const drawn = new Set(placed.map(({ key }) => key));
    for (let line = 0; line < subjects.lines; line++) {
      const key = subjects.text(line, 0);
      if (drawn.has(key)) districts.set(key, subjects.text(line, 2));
    }
  }
  const tables = { officers: usable("officers.tsv"), experts: usable("experts.tsv"), exclusions: usable("exclusions.tsv") };
  try {
    const recusals = new Recusals(
      {
        rules,
        tickets: hashes.tickets(draw.seed),
        officer: tables.officers && people(tables.officers),
        expert: tables.experts && people(tables.experts),
        exclusions: tables.exclusions && exclusions(tables.exclusions, placed.map(({ key }) => key)),
      },
      placed.map((one) => ({ ...one, district: districts.get(one.key) ?? null })),
    );
    return new Log(hashes, recusals, hashes.hex(bytes), draw.revealed_at);
  } catch (error) {
    if (!(error instanceof Obstacle)) throw error;
    return [say(`不能从 result.tsv 接着算：${error.said.zh}`, `result.tsv cannot be gone on from: ${error.said.en}`)];
  }
}

/** Judges every line; answers the time of the last. */
function replay(log: Log, revealedAt: string, texts: readonly string[], visits: ReadonlyMap<string, string> | null, checks: Check[], notes: Message[]): string | null {
  const chain = new Finding("log_chain", "log");
  const acts: Check[] = [];
  let signedAt: string | null = null;
  let [left, empty, swapped] = [0, 0, 0];
  for (const [i, text] of texts.entries()) {
    const { line, unchained, wrong, open } = log.judge(text, visits);
    for (const why of unchained) chain.fail(say(`第 ${i + 1} 行：${why.zh}`, `line ${i + 1}: ${why.en}`));
    const finding = new Finding("log_act", `line ${i + 1}`);
    const named = (message: Message): Message => say(`第 ${i + 1} 行：${message.zh}`, `line ${i + 1}: ${message.en}`);
    for (const why of wrong) finding.fail(named(why));
    for (const why of open) finding.skip(named(why));
    let proves = say("", "");
    if (line) {
      const [subject, out, joins, other] = [line.subject, line.out, line.joins, line.other].map(show);
      if (line.act === "EXCHANGE") {
        swapped++;
        proves = say(`${out} 离开 ${subject}，与 ${other} 的 ${joins} 交换，正是第一个可以交换的`, `${out} leaves ${subject} and swaps with ${joins} of ${other}, the first partner`);
      } else {
        left++;
        if (line.joins === NOBODY) empty++;
        proves = line.joins === NOBODY
          ? say(`${out} 离开 ${subject}，没有人可以接替`, `${out} leaves ${subject}, and there is no candidate`)
          : say(`${out} 离开 ${subject}，按任务数和号由 ${joins} 接替`, `${out} leaves ${subject}; ${joins} is next by count and ticket`);
      }
    }
    signedAt = line?.time ?? revealedAt;
    acts.push(finding.end(named(proves)));
  }
  checks.push(chain.end(say("每一行都指明前一行，第一行指明抽取结果", "every line names the one before it, the first the result")), ...acts);
  notes.push(
    say(
      `抽取之后有 ${left} 次退出（${empty} 个位置空缺）、${swapped} 次交换。`,
      `Since the draw ${left} withdrew, leaving ${empty} places empty, and ${swapped} were exchanged.`,
    ),
  );
  return signedAt;
}

function headCheck(
  evidence: Evidence, hashes: Hashes, given: GivenLog, texts: readonly string[], signedAt: string | null, keys: readonly Key[] | null, demo: boolean,
): Check {
  const finding = new Finding("log_head", "log");
  if (!given.head) {
    finding.skip(say("没有日志的签名头，末尾可能缺行", "no signed head was given: lines may be missing at the end"));
    return finding.end(say("", ""));
  }
  const { value: head, problems } = readLogHead(given.head);
  if (!head || problems.length > 0) {
    for (const problem of problems) finding.fail(say(`签名头：${problem.zh}`, `the head: ${problem.en}`));
    return finding.end(say("", ""));
  }
  compare(head, texts, hashes, finding);
  const stated = evidence.files.get("statement.json");
  signedBy(finding, {
    signature: head.signature, keys, demo, purposes: ["evidence"],
    at: signedAt === null ? null : Date.parse(signedAt) / 1000,
    text: stated ? headText(hashes.hex(stated), head.n, head.digest) : evidence.why("statement.json"),
    what: say("日志", "the log"),
    hashes,
  });
  const kid = show(head.signature.kid);
  return finding.end(say(`日志到第 ${head.n} 行为止，由密钥 ${kid} 签名`, `the log ends with line ${head.n}, signed by key ${kid}`));
}

/** Whether the head is that of the last line. */
function compare(head: LogHead, texts: readonly string[], hashes: Hashes, finding: Finding): void {
  const text = texts[head.n - 1];
  if (text === undefined) {
    finding.fail(say(`签名头是第 ${head.n} 行的，日志却有 ${texts.length} 行`, `the head is that of line ${head.n}, but the log has ${texts.length} lines`));
    return;
  }
  const own = digestOf(hashes, text);
  if (own !== head.digest) {
    finding.fail(say(`签名头签的是另一个第 ${head.n} 行：${head.digest}，这里是 ${own}`, `the head signs another line ${head.n}: ${head.digest}, here it is ${own}`));
  } else if (head.n < texts.length) {
    finding.skip(say(`签名头只签到第 ${head.n} 行，日志有 ${texts.length} 行`, `the head given covers ${head.n} of ${texts.length} lines`));
  }
}
