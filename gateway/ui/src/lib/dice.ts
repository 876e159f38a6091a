// Entries of a draw: six dice, or any other value the protocol allows.

/** Dice as an entry, `3 1 6 2 5 5`; null while a die is missing or out of range. */
export function diceToValue(dice: readonly string[]): string | null {
  return dice.length === 6 && dice.every((die) => /^[1-6]$/.test(die)) ? dice.join(' ') : null;
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
