// Reads a bundle as it streams in: one gzip member, then plain ustar, with a bound on everything. A member that is not a plain
// file of a known name, or comes twice, is named and not kept.
import { type Bytes, latin } from "./bytes.ts";
import type { Hashes } from "./hash.ts";
import { Damaged, Gunzip } from "./inflate.ts";
import { type Message, say, show } from "./message.ts";

const MIB = 1024 * 1024;
const BLOCK = 512;

export const FROZEN = ["subjects.tsv", "left_out.tsv", "officers.tsv", "experts.tsv", "exclusions.tsv"] as const;

const JSON_MAX = 4 * MIB;
const TABLE_MAX = 1_500_000_000;
const PEOPLE_MAX = 32 * MIB;

/** Every member of a bundle, in the order of the protocol, with the most bytes it may have. */
export const MEMBERS: ReadonlyMap<string, number> = new Map([
  ["statement.json", JSON_MAX],
  ["subjects.tsv", TABLE_MAX],
  ["left_out.tsv", TABLE_MAX],
  ["officers.tsv", PEOPLE_MAX],
  ["experts.tsv", PEOPLE_MAX],
  ["exclusions.tsv", 2 * PEOPLE_MAX],
  ["rules.json", JSON_MAX],
  ["draw.json", JSON_MAX],
  ["strata.tsv", 16 * MIB],
  ["result.tsv", TABLE_MAX],
  ["signatures.json", JSON_MAX],
]);
const TOTAL_MAX = 3_000_000_000;
/** The longest line of a table. */
const LINE_MAX = MIB;
const HEADERS_MAX = 64;
/** Zeros behind the archive: tar programs pad to blocking factors. */
const PADDING_MAX = MIB;
/** What is squeezed more than this is no evidence but a bomb; looked at from some size on. */
const RATIO_MAX = 256;
const RATIO_FROM = 64 * MIB;
const PROBLEMS_MAX = 100;

export interface Problem {
  readonly file?: string;
  readonly message: Message;
}

export interface Archive {
  /** Why nothing can be said at all; null if it is an archive. */
  readonly unreadable: Message | null;
  readonly problems: readonly Problem[];
  readonly files: ReadonlyMap<string, Bytes>;
}

class Unreadable extends Error {
  constructor(readonly said: Message) {
    super(said.en);
  }
}

/** Reading was given up, for a reason among the problems. */
class GivenUp extends Error {}

/** Takes the bytes of a tar archive in any portions. */
export class TarReader {
  readonly problems: Problem[] = [];
  readonly files = new Map<string, Bytes>();
  private readonly header = new Uint8Array(BLOCK);
  private filled = 0;
  private body: Body | null = null;
  private bodyName = "";
  private bodyLeft = 0;
  private padding = 0;
  private hidden = false;
  private zeroBlocks = 0;
  private headers = 0;
  private total = 0;
  private trailingBytes = 0;
  private trailing = false;
  private readonly seen = new Set<string>();

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const left = chunk.length - at;
      if (this.zeroBlocks === 2) {
        this.afterEnd(chunk.subarray(at));
        return;
      }
      if (this.bodyLeft > 0) {
        const n = Math.min(left, this.bodyLeft);
        if (this.body && !this.body.add(chunk.subarray(at, at + n))) this.giveUp(say(`${show(this.bodyName)}：有一行超过 ${LINE_MAX} 字节`, `${show(this.bodyName)}: it has a line of more than ${LINE_MAX} bytes`), this.bodyName);
        this.bodyLeft -= n;
        at += n;
      } else if (this.padding > 0) {
        const n = Math.min(left, this.padding);
        for (let i = at; i < at + n; i++) this.hidden ||= chunk[i] !== 0;
        this.padding -= n;
        at += n;
      } else {
        const n = Math.min(left, BLOCK - this.filled);
        this.header.set(chunk.subarray(at, at + n), this.filled);
        this.filled += n;
        at += n;
        if (this.filled < BLOCK) continue;
        this.filled = 0;
        this.block();
      }
      if (this.bodyLeft === 0 && this.padding === 0) this.keep();
    }
  }

  finish(): void {
    if (this.zeroBlocks < 2) throw new Unreadable(say("归档不完整", "the archive is cut short"));
    if (this.trailing) this.problem(say("归档结尾之后还有内容", "there is more after the end of the archive"));
  }

  problem(message: Message, file?: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(file === undefined ? { message } : { file, message });
  }

  private giveUp(message: Message, file?: string): never {
    this.problem(message, file);
    throw new GivenUp();
  }

  private afterEnd(rest: Uint8Array): void {
    for (let i = 0; i < rest.length && !this.trailing; i++) this.trailing = rest[i] !== 0;
    this.trailingBytes += rest.length;
    if (this.trailingBytes > PADDING_MAX) this.giveUp(say("归档结尾之后还有内容", "there is more after the end of the archive"));
  }

  private keep(): void {
    if (this.hidden) this.problem(say(`${show(this.bodyName)} 之后的填充里藏有内容`, `the padding after ${show(this.bodyName)} hides something`), this.bodyName);
    this.hidden = false;
    if (this.body) this.files.set(this.bodyName, this.body.whole());
    this.body = null;
  }

  private block(): void {
    const header = this.header;
    if (header.every((byte) => byte === 0)) {
      this.zeroBlocks++;
      return;
    }
    if (this.zeroBlocks > 0) {
      if (this.headers === 0) throw new Unreadable(say("不是 tar 归档", "it is not a tar archive"));
      this.giveUp(say("归档结尾没有两个空块", "the archive does not end with two empty blocks"));
    }
    let sum = 0;
    for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i];
    if (octal(header, 148, 8) !== sum) throw new Unreadable(say("不是 tar 归档，或某个文件头损坏", "it is not a tar archive, or a header is broken"));
    const [short, prefix] = [text(header, 0, 100), text(header, 345, 155)];
    const full = prefix === "" ? short : `${prefix}/${short}`;
    const name = header[156] === 53 ? full.replace(/\/+$/, "") : full; // a folder's
    const size = octal(header, 124, 12);
    if (size === null) this.giveUp(say(`${show(name)}：长度不是八进制数`, `${show(name)}: its size is not written in octal`), name);
    const wrong = this.wrongWith(name, header);
    if (wrong) this.problem(say(`${show(name)}：${wrong.zh}`, `${show(name)}: ${wrong.en}`), name);
    this.total += size;
    if (size > (MEMBERS.get(name) ?? TOTAL_MAX) || this.total > TOTAL_MAX) {
      this.giveUp(say(`${show(name)}：${size} 字节，太大`, `${show(name)}: ${size} bytes are too many`), name);
    }
    if (++this.headers > HEADERS_MAX) this.giveUp(say(`${show(name)}：成员太多`, `${show(name)}: it is one member too many`), name);
    this.bodyName = name;
    this.bodyLeft = size;
    this.padding = (BLOCK - (size % BLOCK)) % BLOCK;
    this.body = wrong ? null : new Body(size, name.endsWith(".tsv"));
  }

  /** Why a member is refused. */
  private wrongWith(name: string, header: Uint8Array): Message | null {
    const type = header[156];
    if (type === 49 || type === 50) return say("是链接，不是普通文件", "it is a link, not a plain file");
    if ((type !== 48 && type !== 0) || header.subarray(157, 257).some((byte) => byte !== 0)) return say("不是普通文件", "it is not a plain file");
    if (latin(header, 257, 265) !== "ustar\u000000") return say("不是 ustar 文件头", "it has no ustar header");
    if (!MEMBERS.has(name)) return say("不应有的文件", "it does not belong here");
    if (this.seen.has(name)) return say("出现不止一次", "it comes more than once");
    this.seen.add(name);
    return null;
  }
}

/** A member's content, in memory that grows with what has come, whatever the header promised. */
class Body {
  private bytes: Bytes;
  private filled = 0;
  private line = 0;

  constructor(
    private readonly size: number,
    private readonly isTable: boolean,
  ) {
    this.bytes = new Uint8Array(Math.min(size, MIB));
  }

  /** False where a table has a line that is too long. */
  add(part: Uint8Array): boolean {
    if (this.isTable) {
      const first = part.indexOf(10);
      if (this.line + (first < 0 ? part.length : first) > LINE_MAX) return false;
      this.line = first < 0 ? this.line + part.length : part.length - part.lastIndexOf(10) - 1;
    }
    if (this.filled + part.length > this.bytes.length) {
      const more = new Uint8Array(Math.min(this.size, 2 * (this.filled + part.length)));
      more.set(this.bytes.subarray(0, this.filled));
      this.bytes = more;
    }
    this.bytes.set(part, this.filled);
    this.filled += part.length;
    return true;
  }

  whole(): Bytes {
    return this.bytes;
  }
}

function text(header: Uint8Array, at: number, length: number): string {
  let end = at;
  while (end < at + length && header[end] !== 0) end++;
  return NAME_DECODER.decode(header.subarray(at, end));
}

const NAME_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** A number in octal digits, ended by NUL or blank; null if it is written otherwise. */
function octal(header: Uint8Array, at: number, length: number): number | null {
  const found = /^ *([0-7]+)[ \0]*$/.exec(latin(header, at, at + length));
  return found ? Number.parseInt(found[1], 8) : null;
}

/** Reads the whole bundle. `onBytes` is told how many compressed bytes have been read. */
export async function readArchive(bundle: ReadableStream<Uint8Array>, hashes: Hashes, onBytes: (n: number) => void): Promise<Archive> {
  const reader = new TarReader();
  let packed = 0;
  hashes.crc32.init();
  const gunzip = new Gunzip((bytes) => {
    if (gunzip.total > RATIO_FROM && gunzip.total > packed * RATIO_MAX) {
      throw new Unreadable(say("压缩包膨胀得太大，不是证据包", "it swells beyond all measure: it is no bundle"));
    }
    hashes.crc32.update(bytes);
    reader.push(bytes);
  });
  const stream = bundle.getReader();
  try {
    for (;;) {
      const { done, value } = await stream.read();
      if (done) break;
      packed += value.length;
      onBytes(packed);
      gunzip.push(value);
    }
    gunzip.end();
    reader.finish();
    if (gunzip.crc32 !== Number.parseInt(hashes.crc32.digest("hex"), 16) || gunzip.size !== gunzip.total % 2 ** 32) throw new Damaged("the sum is wrong");
    if (gunzip.followed) reader.problem(say("压缩包之后还有内容", "something follows the compressed archive"));
  } catch (error) {
    await stream.cancel().catch(() => undefined);
    if (!(error instanceof GivenUp)) {
      const said = error instanceof Unreadable ? error.said : say("不是完整的 gzip 压缩包", "it is not a whole gzip file");
      return { unreadable: said, problems: reader.problems, files: new Map() };
    }
  }
  return { unreadable: null, problems: reader.problems, files: reader.files };
}
