// Registers of generated enterprises with valid credit codes (GB 32100), in the encodings spreadsheets write.

const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const codeWeights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
const organisationWeights = [3, 7, 9, 10, 5, 8, 4, 2];

function weighed(text: string, signs: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * signs.indexOf(text.charAt(at)), 0);
}

/** The code of the `serial`th made-up enterprise of a district. */
export function creditCode(district: string, serial: number): string {
  const organisation = `QT${String(serial).padStart(6, '0')}`;
  const check = (11 - (weighed(organisation, alphanumeric, organisationWeights) % 11)) % 11;
  const code = `91${district}${organisation}${check === 10 ? 'X' : check}`;
  return code + alphabet.charAt((31 - (weighed(code, alphabet, codeWeights) % 31)) % 31);
}

/** The same code with a check digit that is wrong. */
export function spoilt(code: string): string {
  const at = alphabet.indexOf(code.slice(-1));
  return code.slice(0, -1) + alphabet.charAt((at + 1) % alphabet.length);
}

/** Rows as CSV. */
export function csv(rows: readonly (readonly string[])[]): string {
  return `${rows.map((row) => row.join(',')).join('\r\n')}\r\n`;
}

/** Text in GB18030: ASCII, two bytes, or the four bytes of rare characters in names. */
export function gb18030(text: string): Buffer {
  const bytesOf = new Map<string, readonly number[]>();
  const decoder = new TextDecoder('gb18030');
  const learn = (bytes: readonly number[]) => {
    const sign = decoder.decode(Uint8Array.from(bytes));
    if ([...sign].length === 1 && sign !== '\uFFFD' && !bytesOf.has(sign)) bytesOf.set(sign, bytes);
  };
  for (let first = 0x81; first <= 0xfe; first += 1) {
    for (let second = 0x40; second <= 0xfe; second += 1) if (second !== 0x7f) learn([first, second]);
  }
  for (const first of [0x81, 0x82]) {
    for (let second = 0x30; second <= 0x39; second += 1) {
      for (let third = 0x81; third <= 0xfe; third += 1) {
        for (let fourth = 0x30; fourth <= 0x39; fourth += 1) learn([first, second, third, fourth]);
      }
    }
  }
  return Buffer.from(
    [...text].flatMap((sign) => {
      const bytes = sign < '\u0080' ? [sign.charCodeAt(0)] : bytesOf.get(sign);
      if (!bytes) throw new Error(`no GB18030 for ${sign}`);
      return bytes;
    }),
  );
}
