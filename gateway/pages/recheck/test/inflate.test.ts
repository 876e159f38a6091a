import { constants, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Damaged, Gunzip } from "../src/inflate.ts";

/** A repeatable source of numbers below one. */
function dice(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
}

function content(roll: () => number, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const n = Math.min(bytes - at, 1 + Math.floor(roll() * 400));
    const back = Math.floor(roll() * Math.min(at, 40_000));
    if (at > 0 && roll() < 0.6) for (let i = 0; i < n; i++) out[at + i] = out[at + i - back - 1] ?? 0;
    else for (let i = 0; i < n; i++) out[at + i] = roll() * (roll() < 0.5 ? 256 : 20);
    at += n;
  }
  return out;
}

function gunzip(packed: Uint8Array, roll: () => number): { bytes: Uint8Array; followed: boolean } {
  const parts: Uint8Array[] = [];
  const reader = new Gunzip((bytes) => parts.push(bytes.slice()));
  for (let at = 0; at < packed.length; ) {
    const n = 1 + Math.floor(roll() ** 3 * 20_000);
    reader.push(packed.subarray(at, at + n));
    at += n;
  }
  reader.end();
  return { bytes: Buffer.concat(parts), followed: reader.followed };
}

describe("one gzip member", () => {
  it("gives what went in, at every level and strategy, in any portions", () => {
    const roll = dice(7);
    const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = constants;
    for (const strategy of [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED]) {
      for (let level = 0; level <= 9; level++) {
        for (const bytes of [0, 1, 3000, 400_000]) {
          const given = content(roll, bytes);
          const packed = gzipSync(given, { level, strategy });
          const { bytes: found, followed } = gunzip(packed, roll);
          expect(Buffer.compare(found, given), `${strategy} ${level} ${bytes}`).toBe(0);
          expect(followed).toBe(false);
          expect(gunzip(Buffer.concat([packed, Buffer.from([0])]), roll).followed).toBe(true);
        }
      }
    }
  });

  it("cut anywhere is damaged", () => {
    const roll = dice(8);
    const packed = gzipSync(content(roll, 3000));
    for (let end = 0; end < packed.length; end++) expect(() => gunzip(packed.subarray(0, end), roll), `${end}`).toThrow(Damaged);
  });

  it("changed anywhere is damaged or ends, and never runs on", () => {
    const roll = dice(9);
    const packed = gzipSync(content(roll, 3000));
    for (let i = 0; i < 4000; i++) {
      const changed = Uint8Array.from(packed);
      for (let n = 1 + Math.floor(roll() * 3); n > 0; n--) changed[Math.floor(roll() * changed.length)] ^= 1 << Math.floor(roll() * 8);
      try {
        gunzip(changed, roll);
      } catch (error) {
        expect(error).toBeInstanceOf(Damaged);
      }
    }
  });
});
