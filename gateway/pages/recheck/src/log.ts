// The log of a draw (section 6): its lines one after the other, each judged by what the bundle and the lines before it dictate.
// A wrong line is carried out all the same as far as the teams allow, so that one lie is named once.
import { lines as protocolLines, utf8 } from "./bytes.ts";
import { isDigest, isName, isTime } from "./forms.ts";
import type { Hashes } from "./hash.ts";
import { type Message, say, show } from "./message.ts";
import { type Act, type Change, Obstacle, type Recusals } from "./recusals.ts";

export const NOBODY = "-";
const NUMBER_MAX = 2n ** 64n - 1n;

export interface Line {
  readonly n: string;
  readonly time: string;
  readonly act: Act;
  readonly subject: string;
  readonly out: string;
  readonly joins: string;
  readonly other: string;
  readonly reason: string;
  readonly askedBy: string;
  readonly approvedBy: string;
  readonly previous: string;
}

/** The line's columns, or why it is not of its form. */
export function readLine(text: string): Line | Message {
  const columns = text.split("\t");
  if (columns.length !== 11) return say(`有 ${columns.length} 列，应为 11 列`, `${columns.length} columns instead of 11`);
  const [n, time, act, subject, out, joins, other, reason, askedBy, approvedBy, previous] = columns;
  if (!/^[1-9][0-9]*$/.test(n) || n.length > 20 || BigInt(n) > NUMBER_MAX) return say(`${show(n)} 不是行号`, `${show(n)} is not the number of a line`);
  if (!isTime(time)) return say(`${show(time)} 不是时间`, `${show(time)} is not a time`);
  if (act !== "WITHDRAW" && act !== "EXCHANGE") return say(`${show(act)} 不是 WITHDRAW 或 EXCHANGE`, `${show(act)} is neither WITHDRAW nor EXCHANGE`);
  for (const name of [subject, out, joins, other, reason, askedBy, approvedBy]) {
    if (!isName(name)) return say(`${show(name)} 不合名称的写法`, `${show(name)} is not a name`);
  }
  if (!isDigest(previous)) return say(`${show(previous)} 不是摘要`, `${show(previous)} is not a digest`);
  if (act === "WITHDRAW" && other !== NOBODY) return say(`WITHDRAW 不应有另一户 ${show(other)}`, `a WITHDRAW has no other subject, but names ${show(other)}`);
  return { n, time, act, subject, out, joins, other, reason, askedBy, approvedBy, previous };
}

/** What one line came to, given the lines before it as they stand. */
export interface Judgement {
  /** Null if it is not of its form. */
  readonly line: Line | null;
  /** Why it does not stand where it does: its number, or what it says of the line before. */
  readonly unchained: Message[];
  /** Why it is not the act that the protocol dictates. */
  readonly wrong: Message[];
  /** Why that cannot be said. */
  readonly open: Message[];
}

export class Log {
  private n = 0;
  /** The first line that could not be carried out: nothing is known of the teams after it. */
  private lostAt: number | null = null;

  /** `previous` is the digest of `result.tsv`, `since` the time of the reveal. */
  constructor(
    private readonly hashes: Hashes,
    readonly recusals: Recusals,
    private previous: string,
    private since: string,
  ) {}

  /** Judges the next line (without its LF). `visits` says when a subject was visited; null where that is not known. */
  judge(text: string, visits: ReadonlyMap<string, string> | null): Judgement {
    const number = this.n + 1;
    const line = readLine(text);
    if (!("n" in line)) {
      this.lostAt ??= number;
      this.n = number;
      this.previous = digestOf(this.hashes, text);
      return { line: null, unchained: [], wrong: [line], open: [] };
    }
    const judged: Judgement = { line, unchained: [], wrong: this.outOfOrder(line), open: [] };
    if (line.n !== `${number}`) judged.unchained.push(say(`行号是 ${line.n}，应为 ${number}`, `its number is ${line.n}, not ${number}`));
    if (line.previous !== this.previous) {
      const [zh, en] = number === 1 ? ["result.tsv", "result.tsv"] : [`第 ${number - 1} 行`, `line ${number - 1}`];
      judged.unchained.push(say(`${zh}的摘要是 ${this.previous}，不是 ${line.previous}`, `the digest of ${en} is ${this.previous}, not ${line.previous}`));
    }
    let passed: readonly number[] = [];
    if (this.lostAt !== null) {
      judged.open.push(say(`第 ${this.lostAt} 行无法执行`, `line ${this.lostAt} could not be carried out`));
    } else {
      try {
        passed = this.claim(line, visits, judged);
      } catch (error) {
        if (!(error instanceof Obstacle)) throw error;
        if (!judged.wrong.some(({ en }) => en === error.said.en)) judged.wrong.push(error.said);
        this.lostAt = number;
      }
    }
    this.n = number;
    this.previous = digestOf(this.hashes, text);
    if (line.time > this.since) this.since = line.time;
    this.recusals.pass(passed, number);
    return judged;
  }

  /** Compares a line with what is dictated, then does what it says; returns the subjects it passed over. */
  private claim(line: Line, visits: ReadonlyMap<string, string> | null, judged: Judgement): readonly number[] {
    const leaving = this.recusals.leaving(line.subject, line.out);
    // Nobody, unless a person of that very name is due.
    const isNobody = line.act === "WITHDRAW" && line.joins === NOBODY && this.recusals.next(leaving) !== NOBODY;
    const change: Change = {
      act: line.act, role: leaving.role, subject: line.subject, out: line.out,
      joins: isNobody ? null : line.joins, other: line.act === "EXCHANGE" ? line.other : null,
    };
    const isVisited = (subject: string): boolean => {
      const at = visits?.get(subject);
      return at !== undefined && at <= line.time;
    };
    const found = this.recusals.examine(leaving, change, visits === null ? null : isVisited);
    if (found.open) judged.open.push(say("决定由谁接替的名单依法不公开", "the files that decide who comes next are withheld"));
    if (found.wrong.length === 0 && visits === null && found.passed.length > 0) {
      const subjects = [...new Set(found.passed.map((at) => show(this.recusals.key(at))))];
      judged.open.push(say(`只有当时 ${subjects.join("、")} 已经检查过，才是对的`, `it is right only if visited by then were ${subjects.join(", ")}`));
    }
    judged.wrong.push(...found.wrong);
    this.recusals.apply(change);
    return found.wrong.length > 0 ? [] : found.passed;
  }

  /** What is wrong with a line's time, reason and people, whatever it does. */
  private outOfOrder(line: Line): Message[] {
    const wrong: Message[] = [];
    const { time, act, reason, approvedBy } = line;
    if (time < this.since) wrong.push(say(`时间 ${time} 早于 ${this.since}`, `its time ${time} is before ${this.since}`));
    if (act === "EXCHANGE" && (reason === "ILLNESS" || reason === "TRANSFER")) {
      wrong.push(say(`因 ${reason} 离开的人不能去接别人的户，只能是 WITHDRAW`, `who leaves for ${reason} takes nobody's place: a WITHDRAW it must be`));
    }
    if (approvedBy === line.out) wrong.push(say(`${approvedBy} 决定了自己的回避`, `${approvedBy} decided about itself`));
    if (approvedBy === line.askedBy) wrong.push(say(`${approvedBy} 自己申请、自己决定`, `${approvedBy} asked and decided`));
    return wrong;
  }
}

export function digestOf(hashes: Hashes, line: string): string {
  return hashes.hex(utf8(`${line}\n`));
}

/** What is signed when line `n` is added. */
export const headText = (statement: string, n: number, digest: string): Uint8Array => protocolLines("qingtian-log-v1", statement, `${n}`, digest);
