// SHA-256 and what the protocol builds from it. The state after the seed's block is kept, so that a ticket costs one
// compression (section 4).
import { createCRC32, createSHA256, createSHA512, type IHasher } from "hash-wasm";
import { type Bytes, putLatin, toHex, utf8 } from "./bytes.ts";

const SCRATCH_BYTES = 4096;

export class Hashes {
  private constructor(
    private readonly sha256: IHasher,
    private readonly sha512: IHasher,
    readonly crc32: IHasher,
  ) {}

  static async load(): Promise<Hashes> {
    return new Hashes(await createSHA256(), await createSHA512(), await createCRC32());
  }

  raw(...parts: Uint8Array[]): Bytes {
    this.sha256.init();
    for (const part of parts) this.sha256.update(part);
    return this.sha256.digest("binary") as Bytes;
  }

  hex(...parts: Uint8Array[]): string {
    return toHex(this.raw(...parts));
  }

  long(message: Uint8Array): Bytes {
    return this.sha512.init().update(message).digest("binary") as Bytes;
  }

  tickets(seed: string): Tickets {
    return new Tickets(this.sha256, seed);
  }
}

/** Tickets under one seed. */
export class Tickets {
  private readonly state: Uint8Array;
  private readonly scratch = new Uint8Array(SCRATCH_BYTES);
  private readonly subjectAt: number;

  constructor(
    private readonly sha256: IHasher,
    seed: string,
  ) {
    this.state = sha256.init().update(utf8(seed)).save();
    this.subjectAt = putLatin(this.scratch, 0, "\nsubject\n");
  }

  private finish(rest: Uint8Array): Bytes {
    return this.sha256.load(this.state).update(rest).digest("binary") as Bytes;
  }

  /** The ticket of the subject whose key stands at these bytes. */
  subject(bytes: Uint8Array, start: number, end: number): Bytes {
    if (end - start > SCRATCH_BYTES - 32) return this.finish(concat(utf8("\nsubject\n"), bytes.subarray(start, end), utf8("\n")));
    let at = this.subjectAt;
    for (let i = start; i < end; i++) this.scratch[at++] = bytes[i];
    this.scratch[at++] = 10;
    return this.finish(this.scratch.subarray(0, at));
  }

  person(role: "officer" | "expert", person: string, subject: string): Bytes {
    const text = `\n${role}\n${person}\n${subject}\n`;
    const bytes = new Uint8Array(text.length);
    putLatin(bytes, 0, text);
    return this.finish(bytes);
  }
}

function concat(...parts: Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** RFC 6962 tree hash, leaf by leaf, with memory for one hash per level. */
export class Tree {
  private readonly stack: { hash: Bytes; leaves: number }[] = [];
  private static readonly LEAF = new Uint8Array([0]);
  private static readonly NODE = new Uint8Array([1]);

  constructor(private readonly hashes: Hashes) {}

  add(leaf: Uint8Array): void {
    this.stack.push({ hash: this.hashes.raw(Tree.LEAF, leaf), leaves: 1 });
    while (this.stack.length > 1 && this.stack[this.stack.length - 2].leaves === this.stack[this.stack.length - 1].leaves) this.merge();
  }

  private merge(): void {
    const right = this.stack.pop();
    const left = this.stack.pop();
    if (!left || !right) return;
    this.stack.push({ hash: this.hashes.raw(Tree.NODE, left.hash, right.hash), leaves: left.leaves + right.leaves });
  }

  root(): string {
    while (this.stack.length > 1) this.merge();
    return this.stack.length === 0 ? this.hashes.hex() : toHex(this.stack[0].hash);
  }
}
