// What a draw is waiting for, read from its record and the clock.
import type { Contributor, Draw, DrawState } from '../api/contract/draws';
import { beaconKind } from './beacon';
import { lastPart } from './names';

/** States after which a draw's page no longer changes by itself. */
const settled: readonly DrawState[] = ['DRAW_STATE_DISPATCHED', 'DRAW_STATE_DONE', 'DRAW_STATE_ABANDONED', 'DRAW_STATE_FAILED'];

export function isSettled(draw: Draw): boolean {
  return settled.includes(draw.state);
}

/** Stated, and not yet revealed or ended. */
export function takesEntries(draw: Draw): boolean {
  return draw.state === 'DRAW_STATE_STATED' || draw.state === 'DRAW_STATE_CONTRIBUTING';
}

export function isRevealed(draw: Draw): boolean {
  return draw.state === 'DRAW_STATE_REVEALED' || draw.state === 'DRAW_STATE_DISPATCHED' || draw.state === 'DRAW_STATE_DONE';
}

export function isUnderWay(draw: Draw): boolean {
  return !isSettled(draw);
}

export function entryOf(draw: Draw, contributor: string) {
  return draw.entries.find((entry) => entry.contributor === contributor);
}

export function beaconOf(draw: Draw): Contributor | undefined {
  return draw.contributors.find((one) => one.kind === 'CONTRIBUTOR_KIND_BEACON');
}

/** Contributors that are people, the beacon left out. */
export function peopleOf(draw: Draw): Contributor[] {
  return draw.contributors.filter((one) => one.kind !== 'CONTRIBUTOR_KIND_BEACON');
}

/** Created, and its entries would have closed already: it can no longer be stated, only abandoned. */
export function missedItsTime(draw: Draw, nowMs: number): boolean {
  return draw.state === 'DRAW_STATE_CREATED' && draw.entriesClose !== undefined && Date.parse(draw.entriesClose) <= nowMs;
}

/** Whether every entry but the beacon's was given. */
export function allEntriesIn(draw: Draw): boolean {
  return peopleOf(draw).every((one) => entryOf(draw, one.contributor));
}

/** The organisation's own contributor that has not given its entry while entries are taken. */
export function owesEntry(draw: Draw, organisation: string, nowMs: number): Contributor | undefined {
  if (!takesEntries(draw) || (draw.entriesClose !== undefined && Date.parse(draw.entriesClose) <= nowMs)) return undefined;
  return peopleOf(draw).find((one) => one.unit === lastPart(organisation) && !entryOf(draw, one.contributor));
}

/** Whether the beacon's value exists by now but has to be typed by people. */
export function beaconToType(draw: Draw, nowMs: number): boolean {
  const beacon = beaconOf(draw);
  if (!beacon || !takesEntries(draw) || entryOf(draw, beacon.contributor) || !draw.beaconTime) return false;
  return beaconKind(beacon.contributor) !== 'demo' && Date.parse(draw.beaconTime) <= nowMs;
}

/** What the clock runs to; null when nothing is waited for. */
export function nextInstant(draw: Draw, nowMs: number): { what: 'entries' | 'beacon' | 'reveal'; at: string } | null {
  if (!takesEntries(draw)) return null;
  if (draw.entriesClose && Date.parse(draw.entriesClose) > nowMs) return { what: 'entries', at: draw.entriesClose };
  if (draw.beaconTime && Date.parse(draw.beaconTime) > nowMs) return { what: 'beacon', at: draw.beaconTime };
  return draw.revealBy ? { what: 'reveal', at: draw.revealBy } : null;
}
