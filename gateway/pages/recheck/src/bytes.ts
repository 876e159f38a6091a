// Bytes, their order and their spelling. Columns of tables are read byte for byte (one character each), so that the
// order of strings is the order of bytes whatever they hold.

export type Bytes = Uint8Array<ArrayBuffer>;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const encoder = new TextEncoder();

export function utf8(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

/** `lines(a, b, c)` of the protocol: every part followed by one LF. */
export function lines(...parts: string[]): Bytes {
  return utf8(parts.map((part) => `${part}\n`).join(""));
}

export function toHex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += HEX[byte];
  return out;
}

/** One character per byte; the inverse of {@link putLatin}. */
export function latin(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let out = "";
  for (let i = start; i < end; i++) out += String.fromCharCode(bytes[i]);
  return out;
}

/** Writes a text of one byte per character and returns where it ends. */
export function putLatin(into: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) into[at++] = text.charCodeAt(i);
  return at;
}

export function compare(a: Uint8Array, b: Uint8Array, aStart = 0, aEnd = a.length, bStart = 0, bEnd = b.length): number {
  const n = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < n; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

/** Strict base64url without padding: null for other characters, or where bits left over are set. */
export function fromBase64url(text: string, length: number): Bytes | null {
  if (text.length !== Math.ceil((length * 4) / 3)) return null;
  const out = new Uint8Array(length);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const character of text) {
    const digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(character);
    if (digit < 0) return null;
    bits = (bits << 6) | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[at++] = (bits >> held) & 255;
      bits &= (1 << held) - 1;
    }
  }
  return bits === 0 ? out : null;
}
