// Reads a bundle as it streams in: gzip, then plain ustar, with a bound on everything. A member that is not a plain
// file of a known name, or comes twice, is named and not kept.
import { type Bytes, latin } from "./bytes.ts";
import type { Hashes } from "./hash.ts";
import { type Message, say, show } from "./message.ts";

const MIB = 1024 * 1024;
const BLOCK = 512;

export const FROZEN = ["subjects.tsv", "left_out.tsv", "officers.tsv", "experts.tsv", "exclusions.tsv"] as const;

/** Every member of a bundle, in the order of the protocol, with the most bytes it may have. */
export const MEMBERS: ReadonlyMap<string, number> = new Map([
  ["statement.json", MIB],
  ["subjects.tsv", 1024 * MIB],
  ["left_out.tsv", 1024 * MIB],
  ["officers.tsv", 128 * MIB],
  ["experts.tsv", 128 * MIB],
  ["exclusions.tsv", 256 * MIB],
  ["rules.json", 16 * MIB],
  ["draw.json", MIB],
  ["strata.tsv", 16 * MIB],
  ["result.tsv", 512 * MIB],
  ["signatures.json", MIB / 16],
]);
const TOTAL_MAX = 2048 * MIB;
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

/** Takes the bytes of a tar archive in any portions. */
export class TarReader {
  readonly problems: Problem[] = [];
  readonly files = new Map<string, Bytes>();
  private readonly header = new Uint8Array(BLOCK);
  private filled = 0;
  private body: Bytes | null = null;
  private bodyName = "";
  private bodyLeft = 0;
  private padding = 0;
  private hidden = false;
  private zeroBlocks = 0;
  private headers = 0;
  private ended = false;
  private trailing = false;
  private readonly seen = new Set<string>();

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const left = chunk.length - at;
      if (this.ended) {
        this.afterEnd(chunk.subarray(at));
        return;
      }
      if (this.bodyLeft > 0) {
        const n = Math.min(left, this.bodyLeft);
        if (this.body) this.body.set(chunk.subarray(at, at + n), this.body.length - this.bodyLeft);
        this.bodyLeft -= n;
        at += n;
        if (this.bodyLeft === 0) this.keep();
      } else if (this.padding > 0) {
        const n = Math.min(left, this.padding);
        for (let i = at; i < at + n; i++) this.hidden ||= chunk[i] !== 0;
        this.padding -= n;
        if (this.padding === 0 && this.hidden) {
          this.problem(say(`${show(this.bodyName)} 之后的填充里藏有内容`, `the padding after ${show(this.bodyName)} hides something`), this.bodyName);
          this.hidden = false;
        }
        at += n;
      } else {
        const n = Math.min(left, BLOCK - this.filled);
        this.header.set(chunk.subarray(at, at + n), this.filled);
        this.filled += n;
        at += n;
        if (this.filled === BLOCK) {
          this.filled = 0;
          this.block();
        }
      }
    }
  }

  finish(): void {
    if (this.headers === 0 && this.zeroBlocks === 0) throw new Unreadable(say("不是 tar 归档", "it is not a tar archive"));
    if (!this.ended) throw new Unreadable(say("归档不完整", "the archive is cut short"));
    if (this.trailing) this.problem(say("归档结尾之后还有内容", "there is more after the end of the archive"));
  }

  problem(message: Message, file?: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(file === undefined ? { message } : { file, message });
  }

  private afterEnd(rest: Uint8Array): void {
    for (let i = 0; i < rest.length && !this.trailing; i++) if (rest[i] !== 0) this.trailing = true;
  }

  private keep(): void {
    if (this.body) this.files.set(this.bodyName, this.body);
    this.body = null;
  }

  private block(): void {
    const header = this.header;
    if (header.every((byte) => byte === 0)) {
      this.zeroBlocks++;
      if (this.zeroBlocks === 2) this.ended = true;
      return;
    }
    if (this.zeroBlocks > 0) throw new Unreadable(say("归档结尾残缺", "the end of the archive is broken"));
    if (++this.headers > 1000) throw new Unreadable(say("归档的成员太多", "the archive has too many members"));
    let sum = 0;
    for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i];
    if (octal(header, 148, 8) !== sum) throw new Unreadable(say("不是 tar 归档，或某个文件头损坏", "it is not a tar archive, or a header is broken"));
    const name = text(header, 0, 100);
    const prefix = text(header, 345, 155);
    const full = prefix === "" ? name : `${prefix}/${name}`;
    const size = octal(header, 124, 12);
    if (size === null) throw new Unreadable(say(`${show(full)}：长度无法读出`, `${show(full)}: its size cannot be read`));
    this.bodyLeft = size;
    this.padding = (BLOCK - (size % BLOCK)) % BLOCK;
    this.body = this.accept(full, header, size);
    this.bodyName = full;
    if (size === 0) this.keep();
  }

  /** Room for the member, or null if it is refused. */
  private accept(name: string, header: Uint8Array, size: number): Bytes | null {
    const shown = show(name);
    if (latin(header, 257, 265) !== "ustar\u000000") {
      this.problem(say(`${shown}：不是 ustar 文件头`, `${shown}: it has no ustar header`), name);
      return null;
    }
    const type = header[156];
    if (type === 49 || type === 50) {
      this.problem(say(`${shown}：是链接，不是普通文件`, `${shown}: it is a link, not a plain file`), name);
      return null;
    }
    if (type !== 48 && type !== 0) {
      this.problem(say(`${shown}：不是普通文件`, `${shown}: it is not a plain file`), name);
      return null;
    }
    const most = MEMBERS.get(name);
    if (most === undefined) {
      this.problem(say(`${shown}：不应有的文件`, `${shown}: it does not belong here`), name);
      return null;
    }
    if (this.seen.has(name)) {
      this.problem(say(`${shown}：出现不止一次`, `${shown}: it comes more than once`), name);
      return null;
    }
    this.seen.add(name);
    if (size > most) {
      this.problem(say(`${shown}：${size} 字节，超过上限 ${most}`, `${shown}: ${size} bytes, more than ${most}`), name);
      return null;
    }
    return new Uint8Array(size);
  }
}

function text(header: Uint8Array, at: number, length: number): string {
  let end = at;
  while (end < at + length && header[end] !== 0) end++;
  return latin(header, at, end);
}

/** A number in octal digits, ended by NUL or blank; null if it is written otherwise. */
function octal(header: Uint8Array, at: number, length: number): number | null {
  const found = /^ *([0-7]+)[ \0]*$/.exec(latin(header, at, at + length));
  return found ? Number.parseInt(found[1], 8) : null;
}

/** Reads the whole bundle. `onBytes` is told how many compressed bytes have been read. */
export async function readArchive(bundle: ReadableStream<Uint8Array>, hashes: Hashes, onBytes: (n: number) => void): Promise<Archive> {
  const reader = new TarReader();
  const tail = new Uint8Array(8);
  let packed = 0;
  let total = 0;
  hashes.crc32.init();
  try {
    const counted = bundle.pipeThrough(
      new TransformStream<Uint8Array, BufferSource>({
        transform(chunk, controller) {
          packed += chunk.length;
          keepLast(tail, chunk);
          onBytes(packed);
          controller.enqueue(chunk as Bytes);
        },
      }),
    );
    const stream = counted.pipeThrough(new DecompressionStream("gzip")).getReader();
    for (;;) {
      const { done, value } = await stream.read();
      if (done) break;
      total += value.length;
      if (total > TOTAL_MAX) throw new Unreadable(say(`超过 ${TOTAL_MAX} 字节，本程序不读`, `it holds more than ${TOTAL_MAX} bytes, which this verifier does not read`));
      hashes.crc32.update(value);
      reader.push(value);
    }
    // The last eight bytes of a gzip file say what it holds: others mean that something follows it.
    const ends = new DataView(tail.buffer);
    const sum = Number.parseInt(hashes.crc32.digest("hex"), 16);
    if (ends.getUint32(0, true) !== sum || ends.getUint32(4, true) !== total % 2 ** 32) {
      reader.problem(say("压缩包之后还有内容", "something follows the compressed archive"));
    }
    reader.finish();
  } catch (error) {
    const said = error instanceof Unreadable ? error.said : say("不是完整的 gzip 压缩包", "it is not a whole gzip file");
    return { unreadable: said, problems: reader.problems, files: new Map() };
  }
  return { unreadable: null, problems: reader.problems, files: reader.files };
}

function keepLast(tail: Uint8Array, chunk: Uint8Array): void {
  const n = Math.min(8, chunk.length);
  tail.copyWithin(0, n);
  tail.set(chunk.subarray(chunk.length - n), 8 - n);
}
