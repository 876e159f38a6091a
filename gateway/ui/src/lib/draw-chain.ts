// How draws hang together: what may follow a draw, and who owes it.
import type { Draw } from '../api/contract/draws';

/** The ways to start a draw: over a plan, again after a failure, more from an earlier pool, teams for those left without one. */
export const ways = ['original', 'again', 'supplementary', 'teams'] as const;
export type Way = (typeof ways)[number];

/** Whether everybody drawn has a visit, a draw of teams to come, or a published reason. */
export function isDispatched(draw: Draw): boolean {
  return draw.state === 'DRAW_STATE_DISPATCHED' || draw.state === 'DRAW_STATE_DONE';
}

/** Drawn subjects for which an organisation still has to draw teams. */
export function owedTeams(draw: Draw, organisation: string): number {
  return Number(draw.awaitingTeams.find((one) => one.organisation === organisation)?.subjects ?? 0);
}

/** Whether an organisation may start a draw this way after another one, as far as the draw tells. */
export function mayFollow(way: Way, draw: Draw, organisation: string): boolean {
  switch (way) {
    case 'original':
      return false;
    case 'again':
      return draw.state === 'DRAW_STATE_FAILED' && draw.organisation === organisation && draw.replacedBy === '';
    case 'supplementary':
      return isDispatched(draw) && draw.organisation === organisation && draw.kind !== 'DRAW_KIND_TEAMS';
    case 'teams':
      return owedTeams(draw, organisation) > 0;
  }
}

/** Names and sizes of the strata of a draw's pool, without those it drew. */
export function strataLeft(draw: Draw): { stratum: string; left: number }[] {
  return draw.strata.map((one) => ({ stratum: one.stratum, left: Number(one.subjects) - Number(one.drawn) }));
}
