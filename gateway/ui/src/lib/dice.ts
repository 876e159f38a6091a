// Entries of a draw: six dice, or any other value the protocol allows.

/** Dice as an entry, `3 1 6 2 5 5`; null while a die is missing or out of range. */
export function diceToValue(dice: readonly string[]): string | null {
  return dice.length === 6 && dice.every((die) => /^[1-6]$/.test(die)) ? dice.join(' ') : null;
}

/**
 * The dice after `text` came to stand in box `at`, and the box to go on with.
 * Digits fill the boxes from `at` on; six or more fill all of them. One digit typed beside a face replaces it. What is no face of a die is skipped.
 */
export function spreadDice(dice: readonly string[], at: number, text: string): { dice: string[]; next: number } {
  const digits = text.replace(/[^1-6]/g, '');
  if (digits.length >= 6) return { dice: digits.slice(0, 6).split(''), next: 5 };
  const old = dice[at] ?? '';
  const typedBeside = old !== '' && digits.length === 2 && digits.includes(old);
  const faces = typedBeside ? digits.replace(old, '') : digits;
  const spread = dice.map((face, i) => (i === at && faces === '' ? '' : (faces[i - at] ?? face)));
  return { dice: spread, next: Math.min(at + faces.length, 5) };
}

/** Six dice from the browser's generator. Bytes from 252 up are thrown away so that each face is equally likely. */
export function rollDice(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes)): string[] {
  const dice: string[] = [];
  while (dice.length < 6) {
    for (const byte of random(new Uint8Array(16))) {
      if (byte < 252 && dice.length < 6) dice.push(String((byte % 6) + 1));
    }
  }
  return dice;
}

/** Whether the protocol takes the value: 1 to 200 of `0-9A-Za-z .,:-`. */
export function isEntryValue(value: string): boolean {
  return /^[0-9A-Za-z .,:-]{1,200}$/.test(value);
}
