// Dates as the city reads them: always Asia/Shanghai, which has had no daylight saving since 1991.
import dayjs, { type Dayjs } from 'dayjs';
import type { Lang } from '../i18n/lang';

const SHANGHAI_MS = 8 * 3600 * 1000;
const weekdaysZh = ['周日', '周一', '周二', '周三', '周四', '周五', '周六'];
const weekdaysEn = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const monthsEn = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `2026-11-23` as 2026年11月23日 (周一). What is no date is shown as it is. */
export function formatDay(day: string, lang: Lang): string {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!parts) return day;
  return writeDay(new Date(Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]))), lang);
}

/** An instant as day and time of day in Shanghai, with seconds when asked. Empty for none. */
export function formatTime(instant: string | undefined, lang: Lang, seconds = false): string {
  if (!instant) return '';
  const ms = Date.parse(instant);
  if (Number.isNaN(ms)) return instant;
  const there = new Date(ms + SHANGHAI_MS);
  const time = there.toISOString().slice(11, seconds ? 19 : 16);
  return `${writeDay(there, lang)} ${time}`;
}

function writeDay(utc: Date, lang: Lang): string {
  const [year, month, day, weekday] = [utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate(), utc.getUTCDay()];
  return lang === 'zh' ? `${year}年${month + 1}月${day}日 (${weekdaysZh[weekday]})` : `${weekdaysEn[weekday]}, ${day} ${monthsEn[month]} ${year}`;
}

/** What a picker shows, read as Shanghai time, as an instant in whole seconds UTC: `2026-11-23T02:00:00Z`. */
export function wallToInstant(wall: Dayjs): string {
  const ms = Date.UTC(wall.year(), wall.month(), wall.date(), wall.hour(), wall.minute(), wall.second()) - SHANGHAI_MS;
  return toInstant(ms);
}

/** Milliseconds since 1970 as an instant in whole seconds UTC, rounded down. */
export function toInstant(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** An instant as a picker shows it: the Shanghai clock on the wall. */
export function instantToWall(ms: number): Dayjs {
  return dayjs(new Date(ms + SHANGHAI_MS).toISOString().slice(0, 19));
}

/** Today in Shanghai, `YYYY-MM-DD`. */
export function today(nowMs: number): string {
  return new Date(nowMs + SHANGHAI_MS).toISOString().slice(0, 10);
}

/** Days from today to a day: 0 today, negative when past. */
export function daysLeft(day: string, nowMs: number): number {
  return Math.round((Date.parse(`${day}T00:00:00Z`) - Date.parse(`${today(nowMs)}T00:00:00Z`)) / 86_400_000);
}

/** A span as `1 天 02:03:04`, or `02:03` under an hour. Never negative. */
export function formatSpan(ms: number, lang: Lang): string {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const days = Math.floor(total / 86_400);
  const hours = Math.floor(total / 3600) % 24;
  const clock = [Math.floor(total / 60) % 60, total % 60];
  if (days > 0 || hours > 0) clock.unshift(hours);
  const text = clock.map((part) => String(part).padStart(2, '0')).join(':');
  if (days === 0) return text;
  return lang === 'zh' ? `${days} 天 ${text}` : `${days} d ${text}`;
}
