// Quotas are whole parts per million; a percentage is typed and shown as decimal text, and no floating point comes near it.

/** Percent text such as `5`, `2.5` or `0.0125` as parts per million; null when it is no percentage with at most four decimals. */
export function percentToPpm(text: string): string | null {
  const parts = /^(\d{1,3})(?:[.。](\d{1,4}))?$/.exec(text.trim().replace(/[%％]$/, '').trim());
  if (!parts) return null;
  const ppm = BigInt(parts[1] ?? '0') * 10_000n + BigInt((parts[2] ?? '').padEnd(4, '0'));
  return ppm <= 1_000_000n ? ppm.toString() : null;
}

/** Parts per million as percent text without trailing zeros. */
export function ppmToPercent(ppm: string): string {
  const value = BigInt(ppm);
  const rest = (value % 10_000n).toString().padStart(4, '0').replace(/0+$/, '');
  return rest === '' ? (value / 10_000n).toString() : `${value / 10_000n}.${rest}`;
}

/** How many of `subjects` a share draws: rounded up, as the protocol says. */
export function drawnByPpm(subjects: bigint, ppm: bigint): bigint {
  return (subjects * ppm + 999_999n) / 1_000_000n;
}

/** A whole number of at most twelve digits, as text without leading zeros; null otherwise. */
export function wholeNumber(text: string): string | null {
  return /^\d{1,12}$/.test(text.trim()) ? BigInt(text.trim()).toString() : null;
}
