// Everything a bundle says, parsed where it can be, with the checks `archive` and `format`.
import { type Archive, FROZEN, MEMBERS } from "./archive.ts";
import { type Bytes, compare } from "./bytes.ts";
import { type Draw, type Read, readDraw, readRules, readSignatures, readStatement, type Rules, type Signatures, type Statement } from "./documents.ts";
import { type Message, say, show } from "./message.ts";
import { type Check, Finding } from "./report.ts";
import { readTable, type Table } from "./table.ts";

export class Evidence {
  readonly files: Map<string, Bytes>;
  /** The files that `rules.json` says the public does not get, `strata.tsv` among them where it follows. */
  readonly withheld: ReadonlySet<string>;
  /** Whether the rules say what is withheld. */
  private readonly ruled: boolean;
  readonly statement: Statement | null;
  readonly rules: Rules | null;
  readonly draw: Draw | null;
  readonly signatures: Signatures | null;
  private readonly tables = new Map<string, Table | null>();
  private readonly problems = new Map<string, readonly Message[]>();

  constructor(
    private readonly archive: Archive,
    private readonly added: ReadonlyMap<string, Bytes>,
  ) {
    this.files = new Map(archive.files);
    this.rules = this.document("rules.json", readRules);
    // Only rules without a fault say which files may be absent, and which end their lines with salts.
    this.ruled = this.rules !== null && this.problems.get("rules.json")?.length === 0;
    const withheld = this.ruled ? this.rules?.withheld?.files : undefined;
    const hidden = new Set<string>((withheld ?? []).filter((name) => (FROZEN as readonly string[]).includes(name)));
    const salted = new Set(hidden);
    if (hidden.has("subjects.tsv")) hidden.add("strata.tsv");
    this.withheld = hidden;
    for (const name of hidden) {
      const bytes = added.get(name);
      if (bytes && !this.files.has(name)) this.files.set(name, bytes);
    }
    this.statement = this.document("statement.json", readStatement);
    this.draw = this.document("draw.json", readDraw);
    this.signatures = this.document("signatures.json", readSignatures);
    for (const [name, bytes] of this.files) {
      if (!name.endsWith(".tsv")) continue;
      let { table, problems } = readTable(name, bytes, salted.has(name));
      // Whether a line ends with a salt stands in rules.json; where that cannot be read, it may.
      if (problems.length > 0 && !this.ruled && (FROZEN as readonly string[]).includes(name)) {
        const salty = readTable(name, bytes, true);
        if (salty.problems.length === 0) ({ table, problems } = salty);
      }
      this.tables.set(name, table);
      this.problems.set(name, problems);
    }
  }

  private document<T>(name: string, read: (bytes: Bytes) => Read<T>): T | null {
    const bytes = this.files.get(name);
    if (!bytes) return null;
    const { value, problems } = read(bytes);
    this.problems.set(name, problems);
    return value;
  }

  table(name: string): Table | null {
    return this.tables.get(name) ?? null;
  }

  /** Whether a table is there and something in it is not of its form. */
  isBroken(name: string): boolean {
    return name.endsWith(".tsv") && (this.problems.get(name)?.length ?? 0) > 0;
  }

  /** Why a file cannot be used. */
  why(name: string): Message {
    if (this.files.has(name)) return say(`${name} 无法解析`, `${name} cannot be parsed`);
    if (this.withheld.has(name)) return say(`${name} 依法不公开`, `${name} is withheld from the public`);
    return say(`缺少 ${name}`, `${name} is missing`);
  }

  archiveChecks(): Check[] {
    const checks: Check[] = this.archive.problems.map(({ file, message }) => ({
      id: "archive", ok: false, ...(file === undefined ? {} : { file: show(file) }), message,
    }));
    // Whether a table may be absent stands in rules.json; that this cannot be read is named by `format`.
    const unknown = !this.ruled && this.archive.files.has("rules.json");
    for (const name of MEMBERS.keys()) {
      if (unknown && name.endsWith(".tsv") && name !== "result.tsv") continue;
      if (this.withheld.has(name) && this.archive.files.has(name)) {
        checks.push({ id: "archive", ok: false, file: name, message: say(`${name} 依法不公开，却在包中`, `${name} is withheld by the rules, and yet in the bundle`) });
      } else if (!this.withheld.has(name) && !this.archive.files.has(name)) {
        checks.push({ id: "archive", ok: false, file: name, message: say(`缺少 ${name}`, `${name} is missing`) });
      }
    }
    for (const [name, bytes] of this.added) {
      const own = this.archive.files.get(name);
      if (!(FROZEN as readonly string[]).includes(name) && name !== "strata.tsv") {
        checks.push({ id: "archive", ok: false, file: show(name), message: say(`${show(name)} 另行提供，但不属于可以不公开的文件`, `${show(name)} was given apart, and cannot be withheld`) });
      } else if (own && compare(own, bytes) !== 0) {
        checks.push({ id: "archive", ok: false, file: name, message: say(`另行提供的 ${name} 与包中的不同`, `${name} was given apart, and differs from the one in the bundle`) });
      }
    }
    if (checks.length > 0) return checks;
    return [{ id: "archive", ok: true, message: say("证据包恰好包含规定的文件，各一份", "the bundle holds exactly the files it must, once each") }];
  }

  formatChecks(): Check[] {
    return [...MEMBERS.keys()].map((name) => {
      const finding = new Finding("format", name);
      const problems = this.problems.get(name);
      if (!problems) finding.skip(this.why(name));
      for (const problem of problems ?? []) finding.fail(say(`${name}：${problem.zh}`, `${name}: ${problem.en}`));
      return finding.end(this.added.has(name) && this.withheld.has(name)
        ? say(`${name} 格式正确（另行提供）`, `${name} is well formed (given apart)`)
        : say(`${name} 格式正确`, `${name} is well formed`));
    });
  }
}
