// How often the ceremony asks, how fast the drawn appear, and the few words that only a script can say.
import type { Language, Message } from "./message.ts";

export const TEXTS = {
  following: { zh: "本页自动更新。", en: "This page updates itself." },
  lost: { zh: "暂时连不上，正在重试；上面是最近一次收到的内容。", en: "No connection now, trying again; above is what was last received." },
  over: { zh: "这场抽签已经结束，本页不再更新。", en: "This ceremony is over; the page updates no more." },
} as const satisfies Record<string, Message>;

export interface Pace {
  /** Questions in a row that were not answered. */
  failures: number;
  /** Answers in a row that brought nothing new. */
  unchanged: number;
  /** Seconds until the next time that is shown; negative when just past; null when there is none. */
  nextSecs: number | null;
}

const OFTEN_SECS = 2;
const SELDOM_SECS = 10;
const PAUSE_MAX_SECS = 60;

/** Seconds until the next question: a few while something may happen any moment, a minute at the most. */
export function pauseSecs({ failures, unchanged, nextSecs }: Pace): number {
  if (failures > 0) return Math.min(PAUSE_MAX_SECS, OFTEN_SECS * 2 ** Math.min(failures, 10));
  const soon = nextSecs !== null && nextSecs < 90;
  return soon || unchanged < 150 ? OFTEN_SECS : SELDOM_SECS;
}

/** Milliseconds between two of the drawn: at most a minute for a whole page of them, and none faster than one reads a line. */
export function rollMs(rows: number): number {
  return Math.max(300, Math.min(1200, 60_000 / Math.max(rows, 1)));
}

/** What is left, in words that change once a minute and not faster, so that nothing flickers on the wall. */
export function left(secs: number, language: Language): string {
  const zh = language === "zh";
  if (secs <= 0) return "";
  if (secs < 60) return zh ? "（不到1分钟）" : " (less than a minute)";
  const [minutes, hours] = [Math.floor(secs / 60), Math.floor(secs / 3600)];
  if (hours >= 48) return zh ? `（还有${Math.floor(hours / 24)}天）` : ` (${Math.floor(hours / 24)} days left)`;
  if (hours >= 1) return zh ? `（还有${hours}小时${minutes % 60}分）` : ` (${hours} h ${minutes % 60} min left)`;
  return zh ? `（还有${minutes}分钟）` : ` (${minutes} min left)`;
}
