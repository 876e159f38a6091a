// Public sources of randomness a draw can name (draw protocol, section 1).

/** The demonstration's own beacon; the server fills in the next free issue. */
export const demoBeacon = 'lottery:demo:0';

// drand quicknet: a round every three seconds since this instant (its chain's published parameters).
const quicknetGenesisMs = 1_692_803_367_000;
const quicknetPeriodMs = 3000;

/** The first round of drand quicknet that is not published before the instant. */
export function drandRoundAt(ms: number): number {
  return Math.max(1, Math.ceil((ms - quicknetGenesisMs) / quicknetPeriodMs) + 1);
}

/** The instant a round of drand quicknet is published. */
export function drandTimeOf(round: number): number {
  return quicknetGenesisMs + (round - 1) * quicknetPeriodMs;
}

/** What kind of beacon a contributor's name means; null for none. */
export function beaconKind(contributor: string): 'drand' | 'lottery' | 'demo' | null {
  if (/^lottery:demo:\d+$/.test(contributor)) return 'demo';
  if (/^lottery:ssq:\d+$/.test(contributor)) return 'lottery';
  if (/^drand:quicknet:[1-9]\d*$/.test(contributor)) return 'drand';
  return null;
}

/** Lottery numbers as the protocol writes them: six red ascending, then the blue; null when they are no such numbers. */
export function lotteryValue(red: readonly string[], blue: string): string | null {
  const numbers = red.map((text) => (/^\d{1,2}$/.test(text.trim()) ? Number(text) : 0));
  const last = /^\d{1,2}$/.test(blue.trim()) ? Number(blue) : 0;
  if (numbers.length !== 6 || numbers.some((n) => n < 1 || n > 33) || new Set(numbers).size !== 6 || last < 1 || last > 16) return null;
  const sorted = [...numbers].sort((a, b) => a - b);
  return [...sorted, last].map((n) => String(n).padStart(2, '0')).join(' ');
}

/** Whether the text is a drand signature as the protocol writes it. */
export function isDrandValue(text: string): boolean {
  return /^[0-9a-f]{96}$/.test(text);
}

// The national lottery is drawn on Tuesday, Thursday and Sunday at 21:15 in China; its issues are counted from 001 each year.
// Pauses only make an issue later, so the Nth of those days is the earliest for issue N.
const chinaAheadMs = 8 * 3_600_000;
const dayMs = 86_400_000;
const drawnAtMs = (21 * 60 + 15) * 60_000;
const drawDays = [0, 2, 4];

/** The first issue of the national lottery that can only be drawn after the instant, and its earliest drawing. */
export function lotteryIssueAfter(ms: number): { issue: string; drawnMs: number } | undefined {
  const first = new Date(ms + chinaAheadMs).getUTCFullYear();
  for (const year of [first, first + 1]) {
    let nth = 0;
    for (let day = Date.UTC(year, 0, 1); new Date(day).getUTCFullYear() === year; day += dayMs) {
      if (!drawDays.includes(new Date(day).getUTCDay())) continue;
      nth += 1;
      const drawnMs = day + drawnAtMs - chinaAheadMs;
      if (drawnMs > ms) return { issue: `${year}${String(nth).padStart(3, '0')}`, drawnMs };
    }
  }
  return undefined;
}
