// When a draw closes, hears its beacon and must be revealed.
import type { Dayjs } from 'dayjs';
import { toInstant, wallToInstant } from './dates';

export type BeaconChoice = 'demo' | 'drand' | 'lottery' | 'waived';

export interface ScheduleForm {
  /** Minutes from now, or `exact` for the three times below. */
  closeIn: number | 'exact';
  entriesClose?: Dayjs;
  beaconTime?: Dayjs;
  revealBy?: Dayjs;
}

export interface Schedule {
  entriesClose: string;
  /** Absent when the beacon is waived. */
  beaconTime?: string;
  revealBy: string;
}

const minuteMs = 60_000;
/** From the close to the beacon: the demonstration's follows at once, a public one leaves time to publish the entries. */
const beaconAfterMs: Record<BeaconChoice, number> = { demo: 1000, drand: minuteMs, lottery: minuteMs, waived: 0 };
/** From the beacon to the latest reveal. */
const revealAfterMs: Record<BeaconChoice, number> = { demo: 60 * minuteMs, drand: 24 * 60 * minuteMs, lottery: 24 * 60 * minuteMs, waived: 60 * minuteMs };

/** The schedule a form means at this moment; null while a time is missing. */
export function scheduleOf(form: ScheduleForm, beacon: BeaconChoice, nowMs: number): Schedule | null {
  if (form.closeIn !== 'exact') {
    const close = Math.ceil(nowMs / 1000) * 1000 + form.closeIn * minuteMs;
    const at = close + beaconAfterMs[beacon];
    return { entriesClose: toInstant(close), ...(beacon === 'waived' ? {} : { beaconTime: toInstant(at) }), revealBy: toInstant(at + revealAfterMs[beacon]) };
  }
  if (!form.entriesClose || !form.revealBy || (beacon !== 'waived' && !form.beaconTime)) return null;
  return {
    entriesClose: wallToInstant(form.entriesClose),
    ...(beacon === 'waived' || !form.beaconTime ? {} : { beaconTime: wallToInstant(form.beaconTime) }),
    revealBy: wallToInstant(form.revealBy),
  };
}

/** Which time does not follow the one before it; null when all do. */
export function scheduleProblem(schedule: Schedule, nowMs: number): 'entriesClose' | 'beaconTime' | 'revealBy' | null {
  if (Date.parse(schedule.entriesClose) <= nowMs) return 'entriesClose';
  if (schedule.beaconTime !== undefined && schedule.beaconTime <= schedule.entriesClose) return 'beaconTime';
  if (schedule.revealBy <= (schedule.beaconTime ?? schedule.entriesClose)) return 'revealBy';
  return null;
}
