// One gzip file (RFC 1952) with one member, decompressed (RFC 1951) as it arrives. What browsers and Node make of bytes behind the
// member differs; here they are seen.

const WINDOW = 32_768;
const OUT_BYTES = 262_144;
const MATCH_MAX = 258;
/** A gzip file whose name, comment and extra field take more is refused. */
const HEADER_BYTES_MAX = 65_536;
/** More than any description of codes takes, and any one symbol with its distance. */
const BLOCK_HEADER_BYTES = 640;
const SYMBOL_BYTES = 8;

const LENGTH_BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** It is not a whole gzip file, or a damaged one. */
export class Damaged extends Error {}

/** Codes by their next bits: `symbol << 4 | length`, 0 where there is none. */
interface Code {
  readonly bits: number;
  readonly table: Uint16Array;
}

function codeOf(lengths: Uint8Array, mayBeOne: boolean): Code {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length]++;
  counts[0] = 0;
  let bits = 15;
  while (bits > 1 && counts[bits] === 0) bits--;
  const next = new Uint16Array(16);
  let left = 1;
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    left = left * 2 - counts[length];
    if (left < 0) throw new Damaged("codes overlap");
    next[length] = code = (code + counts[length - 1]) << 1;
  }
  // Only a code of one symbol, or of none where nothing is to be said, leaves some bits without a meaning.
  const symbols = counts.reduce((sum, count) => sum + count, 0);
  if (left > 0 && !(mayBeOne && symbols <= 1)) throw new Damaged("codes are incomplete");
  const table = new Uint16Array(1 << bits);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    let reversed = 0;
    for (let own = next[length]++, i = 0; i < length; i++, own >>= 1) reversed = (reversed << 1) | (own & 1);
    for (let at = reversed; at < table.length; at += 1 << length) table[at] = (symbol << 4) | length;
  });
  return { bits, table };
}

const FIXED_LITERALS = codeOf(Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)), false);
const FIXED_DISTANCES = codeOf(new Uint8Array(32).fill(5), false);

export class Gunzip {
  /** Whether anything follows the member. */
  followed = false;
  /** Bytes decompressed so far. */
  total = 0;
  /** The CRC-32 at the end of the member, and its size modulo 2^32. */
  crc32 = 0;
  size = 0;
  private input = new Uint8Array(0);
  private at = 0;
  private bits = 0;
  private held = 0;
  private readonly out = new Uint8Array(WINDOW + OUT_BYTES);
  private filled = 0;
  private told = 0;
  private phase: "header" | "block" | "stored" | "codes" | "trailer" | "done" = "header";
  private isLast = false;
  private storedLeft = 0;
  private literals = FIXED_LITERALS;
  private distances = FIXED_DISTANCES;

  /** `tell` is handed the bytes in order; they are overwritten afterwards. */
  constructor(private readonly tell: (bytes: Uint8Array) => void) {}

  push(chunk: Uint8Array): void {
    const rest = this.input.subarray(this.at);
    if (rest.length === 0) this.input = chunk as Uint8Array<ArrayBuffer>;
    else {
      this.input = new Uint8Array(rest.length + chunk.length);
      this.input.set(rest);
      this.input.set(chunk, rest.length);
    }
    this.at = 0;
    this.run(false);
  }

  /** There is no more. */
  end(): void {
    this.run(true);
    if (this.phase !== "done") throw new Damaged("cut short");
  }

  private run(final: boolean): void {
    try {
      while (this.step(final));
    } finally {
      this.flush();
    }
  }

  /** False if more input is needed, or nothing is left to do. */
  private step(final: boolean): boolean {
    const has = (bytes: number): boolean => final || this.input.length - this.at >= bytes;
    switch (this.phase) {
      case "header":
        return this.header(final);
      case "block":
        if (!has(BLOCK_HEADER_BYTES)) return false;
        this.block();
        return true;
      case "stored":
        return this.stored();
      case "codes":
        return this.symbols(final);
      case "trailer":
        if (!has(SYMBOL_BYTES + 2)) return false;
        this.drop();
        this.crc32 = (this.take(16) | (this.take(16) << 16)) >>> 0;
        this.size = (this.take(16) | (this.take(16) << 16)) >>> 0;
        this.phase = "done";
        return true;
      case "done":
        this.followed ||= this.at < this.input.length;
        this.at = this.input.length;
        return false;
    }
  }

  private header(final: boolean): boolean {
    const { input } = this;
    const flags = input[3];
    let end = 10;
    let whole = input.length >= end;
    if (whole) {
      if (input[0] !== 31 || input[1] !== 139 || input[2] !== 8 || (flags & 0xe0) !== 0) throw new Damaged("no gzip header");
      if (flags & 4) end += 2 + (input[end] ?? 0) + 256 * (input[end + 1] ?? 0);
      for (const flag of [8, 16]) {
        if (!(flags & flag) || end > input.length) continue;
        const nul = input.indexOf(0, end);
        end = nul < 0 ? input.length + 1 : nul + 1;
      }
      if (flags & 2) end += 2;
      whole = end <= input.length;
    }
    if (end > HEADER_BYTES_MAX || (!whole && (final || input.length > HEADER_BYTES_MAX))) throw new Damaged("no gzip header");
    if (!whole) return false;
    this.at = end;
    this.phase = "block";
    return true;
  }

  private block(): void {
    this.isLast = this.take(1) === 1;
    switch (this.take(2)) {
      case 0: {
        this.drop();
        const length = this.take(16);
        if ((length ^ this.take(16)) !== 0xffff) throw new Damaged("a stored block's length is wrong");
        this.storedLeft = length;
        this.phase = "stored";
        return;
      }
      case 1:
        [this.literals, this.distances] = [FIXED_LITERALS, FIXED_DISTANCES];
        break;
      case 2:
        this.dynamic();
        break;
      default:
        throw new Damaged("an unknown kind of block");
    }
    this.phase = "codes";
  }

  private dynamic(): void {
    const [literals, distances, codes] = [this.take(5) + 257, this.take(5) + 1, this.take(4) + 4];
    if (literals > 286 || distances > 30) throw new Damaged("too many codes");
    const own = new Uint8Array(19);
    for (let i = 0; i < codes; i++) own[CODE_ORDER[i]] = this.take(3);
    const code = codeOf(own, false);
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.decode(code);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw new Damaged("nothing to repeat");
      const value = symbol === 16 ? lengths[i - 1] : 0;
      const times = symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
      if (i + times > lengths.length) throw new Damaged("too many lengths");
      lengths.fill(value, i, i + times);
      i += times;
    }
    if (lengths[256] === 0) throw new Damaged("a block without an end");
    this.literals = codeOf(lengths.subarray(0, literals), true);
    this.distances = codeOf(lengths.subarray(literals), true);
  }

  private stored(): boolean {
    while (this.storedLeft > 0) {
      this.room(1);
      const n = Math.min(this.storedLeft, this.input.length - this.at, this.out.length - this.filled);
      if (n === 0) return false;
      this.out.set(this.input.subarray(this.at, this.at + n), this.filled);
      this.filled += n;
      this.at += n;
      this.total += n;
      this.storedLeft -= n;
    }
    this.phase = this.isLast ? "trailer" : "block";
    return true;
  }

  private symbols(final: boolean): boolean {
    const { out, literals, distances } = this;
    for (;;) {
      if (!final && this.input.length - this.at < SYMBOL_BYTES) return false;
      this.room(MATCH_MAX);
      const symbol = this.decode(literals);
      if (symbol < 256) {
        out[this.filled++] = symbol;
        this.total++;
        continue;
      }
      if (symbol === 256) {
        this.phase = this.isLast ? "trailer" : "block";
        return true;
      }
      if (symbol > 285) throw new Damaged("an unknown length");
      const length = LENGTH_BASE[symbol - 257] + this.take(LENGTH_EXTRA[symbol - 257]);
      const far = this.decode(distances);
      if (far > 29) throw new Damaged("an unknown distance");
      const distance = DISTANCE_BASE[far] + this.take(DISTANCE_EXTRA[far]);
      if (distance > this.total) throw new Damaged("a distance too far back");
      for (let from = this.filled - distance, i = 0; i < length; i++) out[this.filled++] = out[from++];
      this.total += length;
    }
  }

  /** Makes room for so many bytes, the last 32 KiB staying where distances reach them. */
  private room(bytes: number): void {
    if (this.filled + bytes <= this.out.length) return;
    this.flush();
    this.out.copyWithin(0, this.filled - WINDOW, this.filled);
    this.filled = this.told = WINDOW;
  }

  private flush(): void {
    const bytes = this.out.subarray(this.told, this.filled);
    this.told = this.filled;
    if (bytes.length > 0) this.tell(bytes);
  }

  private take(n: number): number {
    while (this.held < n) this.pull();
    const value = this.bits & ((1 << n) - 1);
    this.bits >>>= n;
    this.held -= n;
    return value;
  }

  private pull(): void {
    if (this.at >= this.input.length) throw new Damaged("cut short");
    this.bits |= this.input[this.at++] << this.held;
    this.held += 8;
  }

  private decode({ bits, table }: Code): number {
    while (this.held < bits && this.at < this.input.length) this.pull();
    const entry = table[this.bits & (table.length - 1)];
    const length = entry & 15;
    if (length === 0 || length > this.held) throw new Damaged(length === 0 ? "an unknown code" : "cut short");
    this.bits >>>= length;
    this.held -= length;
    return entry >> 4;
  }

  /** Leaves out the bits up to the next byte. */
  private drop(): void {
    this.bits >>>= this.held % 8;
    this.held -= this.held % 8;
  }
}
