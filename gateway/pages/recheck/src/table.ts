// The `.tsv` files: columns as places in the file's own bytes, so that a million lines need little beside them.
import { type Bytes, compare, latin } from "./bytes.ts";
import { type Message, say } from "./message.ts";

const TAB = 9;
const LF = 10;
const COMMA = 44;
const NAME_MAX = 64;

export type Column = "name" | "list" | "people" | "digest" | "number" | "threshold" | "salt";

export interface Layout {
  readonly columns: readonly Column[];
  /** How many leading columns may stand in one line only; 0: the file is not sorted. */
  readonly unique: number;
}

export const LAYOUTS: ReadonlyMap<string, Layout> = new Map<string, Layout>([
  ["subjects.tsv", { columns: ["name", "name", "name"], unique: 1 }],
  ["left_out.tsv", { columns: ["name", "name"], unique: 1 }],
  ["officers.tsv", { columns: ["name", "name", "list", "list"], unique: 1 }],
  ["experts.tsv", { columns: ["name", "name", "list", "list"], unique: 1 }],
  ["exclusions.tsv", { columns: ["name", "name", "name"], unique: 2 }],
  ["strata.tsv", { columns: ["name", "number", "number", "threshold"], unique: 1 }],
  ["result.tsv", { columns: ["name", "digest", "people", "people"], unique: 0 }],
]);

const IS_NAME = byteSet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz:/._-");
const IS_HEX = byteSet("0123456789abcdef");
const IS_DIGIT = byteSet("0123456789");

function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}

export class Table {
  /** Where each line starts; one more for the end. */
  private constructor(
    readonly bytes: Bytes,
    private readonly starts: Uint32Array,
    readonly lines: number,
  ) {}

  static of(bytes: Bytes): Table {
    let n = 0;
    for (let i = bytes.indexOf(LF); i >= 0; i = bytes.indexOf(LF, i + 1)) n++;
    if (bytes.length > 0 && bytes[bytes.length - 1] !== LF) n++;
    const starts = new Uint32Array(n + 1);
    let at = 0;
    for (let line = 0; line < n; line++) {
      starts[line] = at;
      const end = bytes.indexOf(LF, at);
      at = end < 0 ? bytes.length + 1 : end + 1;
    }
    starts[n] = at;
    return new Table(bytes, starts, n);
  }

  start(line: number): number {
    return this.starts[line];
  }

  /** Where the line's text ends, before its LF. */
  end(line: number): number {
    return this.starts[line + 1] - 1;
  }

  line(line: number): Uint8Array {
    return this.bytes.subarray(this.start(line), this.end(line));
  }

  /** Where column `c` of a line starts; its end is {@link columnEnd} of that place. */
  columnStart(line: number, c: number): number {
    let at = this.starts[line];
    for (; c > 0; c--) at = this.columnEnd(line, at) + 1;
    return at;
  }

  columnEnd(line: number, at: number): number {
    const end = this.end(line);
    while (at < end && this.bytes[at] !== TAB) at++;
    return at;
  }

  text(line: number, c: number): string {
    const start = this.columnStart(line, c);
    return latin(this.bytes, start, this.columnEnd(line, start));
  }

  row(line: number): string[] {
    return latin(this.bytes, this.start(line), this.end(line)).split("\t");
  }
}

export const list = (column: string): string[] => (column === "" ? [] : column.split(","));

export interface ReadTable {
  /** Null where a line has not the right number of columns. */
  readonly table: Table | null;
  readonly problems: readonly Message[];
}

const PROBLEMS_MAX = 4;

export function readTable(name: string, bytes: Bytes, salted: boolean): ReadTable {
  const layout = LAYOUTS.get(name);
  if (!layout) return { table: null, problems: [say("不认识的文件", "an unknown file")] };
  const columns: readonly Column[] = salted ? [...layout.columns, "salt"] : layout.columns;
  const table = Table.of(bytes);
  const problems: Message[] = [];
  let usable = true;
  const wrong = (line: number, zh: string, en: string): void => {
    if (problems.length < PROBLEMS_MAX) problems.push(say(`第 ${line + 1} 行${zh}`, `line ${line + 1} ${en}`));
  };
  if (bytes.length > 0 && bytes[bytes.length - 1] !== LF) wrong(table.lines - 1, "不以 LF 结尾", "does not end with LF");
  for (let line = 0; line < table.lines; line++) {
    let at = table.start(line);
    const end = table.end(line);
    let tabs = 0;
    for (let i = at; i < end; i++) if (bytes[i] === TAB) tabs++;
    if (tabs !== columns.length - 1) {
      usable = false;
      wrong(line, `有 ${tabs + 1} 列，应为 ${columns.length} 列`, `has ${tabs + 1} columns, not ${columns.length}`);
      continue;
    }
    for (let c = 0; c < columns.length; c++) {
      const to = table.columnEnd(line, at);
      if (!allowed(columns[c], bytes, at, to)) wrong(line, `第 ${c + 1} 列写法不合规定`, `has in column ${c + 1} a form that is not allowed`);
      at = to + 1;
    }
    if (layout.unique > 0 && line > 0) {
      if (compare(bytes, bytes, table.start(line - 1), table.end(line - 1), table.start(line), end) >= 0) {
        wrong(line, "未按字节排序或重复", "is not in the order of bytes, or repeats the one before");
      } else if (sameHead(table, line, layout.unique)) wrong(line, "与上一行的键相同", "has the key of the line before");
    }
  }
  return { table: usable ? table : null, problems };
}

function sameHead(table: Table, line: number, columns: number): boolean {
  const before = headEnd(table, line - 1, columns);
  const here = headEnd(table, line, columns);
  return compare(table.bytes, table.bytes, table.start(line - 1), before, table.start(line), here) === 0;
}

function headEnd(table: Table, line: number, columns: number): number {
  return table.columnEnd(line, table.columnStart(line, columns - 1));
}

function allowed(column: Column, bytes: Uint8Array, from: number, to: number): boolean {
  const n = to - from;
  switch (column) {
    case "name":
      return n >= 1 && n <= NAME_MAX && all(IS_NAME, bytes, from, to);
    case "digest":
      return n === 64 && all(IS_HEX, bytes, from, to);
    case "salt":
      return n === 32 && all(IS_HEX, bytes, from, to);
    case "number":
      return n >= 1 && n <= 16 && all(IS_DIGIT, bytes, from, to) && (n === 1 || bytes[from] !== 48) && Number.isSafeInteger(Number(latin(bytes, from, to)));
    case "threshold":
      return (n === 1 && bytes[from] === 45) || (n === 64 && all(IS_HEX, bytes, from, to));
    case "list":
    case "people":
      return names(bytes, from, to, column === "list");
  }
}

function all(set: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (set[bytes[i]] === 0) return false;
  return true;
}

/** Comma-separated names, sorted and without repeats where `sorted`. */
function names(bytes: Uint8Array, from: number, to: number, sorted: boolean): boolean {
  if (from === to) return true;
  let before = -1;
  for (let start = from; start <= to; ) {
    let end = start;
    while (end < to && bytes[end] !== COMMA) end++;
    if (!allowed("name", bytes, start, end)) return false;
    if (sorted && before >= 0 && compare(bytes, bytes, before, start - 1, start, end) >= 0) return false;
    before = start;
    start = end + 1;
  }
  return true;
}
