import dayjs from 'dayjs';
import { describe, expect, it } from 'vitest';
import type { Draw } from '../src/api/contract/draws';
import { beaconKind, drandRoundAt, drandTimeOf, isDrandValue, lotteryIssueAfter, lotteryValue } from '../src/lib/beacon';
import { diceToValue, isEntryValue, rollDice, spreadDice } from '../src/lib/dice';
import { allEntriesIn, beaconToType, missedItsTime, nextInstant, owesEntry } from '../src/lib/draw-state';
import { formToPlan, newPlanForm, planToForm, rowToQuota } from '../src/lib/plan-form';
import { scheduleOf, scheduleProblem } from '../src/lib/schedule';

const at = (text: string) => Date.parse(text);

function draw(changes: Partial<Draw>): Draw {
  return {
    name: 'draws/2026-0001', plan: 'plans/2026-01', organisation: 'organisations/amr', state: 'DRAW_STATE_STATED',
    contributors: [
      { contributor: 'amr', kind: 'CONTRIBUTOR_KIND_DEPARTMENT', unit: 'amr' },
      { contributor: 'supervision', kind: 'CONTRIBUTOR_KIND_DEPARTMENT', unit: 'supervision' },
      { contributor: 'lottery:ssq:2026135', kind: 'CONTRIBUTOR_KIND_BEACON', unit: '' },
    ],
    beaconWaived: '', entriesClose: '2026-11-23T02:00:00Z', beaconTime: '2026-11-23T03:00:00Z', revealBy: '2026-11-24T03:00:00Z', replaces: '', statement: 'ab', statementJson: '', rulesJson: '',
    entries: [], seed: '', evidenceDigest: '', subjects: '0', drawn: '0', strata: [], endReason: '', etag: 'e', creator: 'users/a', kid: '', statementSignature: '', planTitle: '',
    follows: '', kind: 'DRAW_KIND_ORIGINAL', leftOut: [], publishAfter: '', withheldFiles: [], teams: [], coverDistrict: false, quotas: [], followedBy: [], awaitingTeams: [], replacedBy: '', witnessLinks: [],
    ...changes,
  };
}

const given = (contributor: string, index: number) => ({ index, contributor, value: '1', createTime: '2026-11-23T01:00:00Z' });

describe('what a draw waits for', () => {
  const before = at('2026-11-23T01:59:59Z');

  it('an organisation owes its entry until it gave it or entries closed', () => {
    expect(owesEntry(draw({}), 'organisations/supervision', before)?.contributor).toBe('supervision');
    expect(owesEntry(draw({ entries: [given('supervision', 2)] }), 'organisations/supervision', before)).toBeUndefined();
    expect(owesEntry(draw({}), 'organisations/supervision', at('2026-11-23T02:00:00Z'))).toBeUndefined();
    expect(owesEntry(draw({}), 'organisations/eco', before)).toBeUndefined();
    expect(owesEntry(draw({ state: 'DRAW_STATE_CREATED' }), 'organisations/amr', before)).toBeUndefined();
  });

  it('the beacon is typed from its time on, unless it is a demonstration', () => {
    expect(beaconToType(draw({}), at('2026-11-23T02:59:59Z'))).toBe(false);
    expect(beaconToType(draw({}), at('2026-11-23T03:00:00Z'))).toBe(true);
    expect(beaconToType(draw({ contributors: [{ contributor: 'lottery:demo:1', kind: 'CONTRIBUTOR_KIND_BEACON', unit: '' }] }), at('2026-11-23T03:00:00Z'))).toBe(false);
  });

  it('the clock runs to the close, then the beacon, then the reveal', () => {
    expect(nextInstant(draw({}), before)?.what).toBe('entries');
    expect(nextInstant(draw({}), at('2026-11-23T02:30:00Z'))?.what).toBe('beacon');
    expect(nextInstant(draw({}), at('2026-11-23T03:30:00Z'))?.what).toBe('reveal');
    expect(nextInstant(draw({ state: 'DRAW_STATE_REVEALED' }), before)).toBeNull();
  });

  it('a draw that was not stated before its close has missed its time', () => {
    expect(missedItsTime(draw({ state: 'DRAW_STATE_CREATED' }), before)).toBe(false);
    expect(missedItsTime(draw({ state: 'DRAW_STATE_CREATED' }), at('2026-11-23T02:00:00Z'))).toBe(true);
    expect(missedItsTime(draw({}), at('2026-11-23T02:00:00Z'))).toBe(false);
  });

  it('all entries are in without the beacon', () => {
    expect(allEntriesIn(draw({ entries: [given('amr', 1), given('supervision', 2)] }))).toBe(true);
    expect(allEntriesIn(draw({ entries: [given('amr', 1)] }))).toBe(false);
  });
});

describe('entries', () => {
  it('six dice make one', () => {
    expect(diceToValue(['3', '1', '6', '2', '5', '5'])).toBe('3 1 6 2 5 5');
    expect(diceToValue(['3', '1', '6', '2', '5', ''])).toBeNull();
    expect(diceToValue(['3', '1', '6', '2', '5', '7'])).toBeNull();
  });

  it('digits typed into one box are spread over the boxes from there on', () => {
    const empty = ['', '', '', '', '', ''];
    expect(spreadDice(empty, 0, '426')).toEqual({ dice: ['4', '2', '6', '', '', ''], next: 3 });
    expect(spreadDice(empty, 4, '4 2 6')).toEqual({ dice: ['', '', '', '', '4', '2'], next: 5 });
    expect(spreadDice(empty, 3, '6, 6, 1, 2, 5, 3')).toEqual({ dice: ['6', '6', '1', '2', '5', '3'], next: 5 });
    expect(spreadDice(['4', '2', '6', '1', '3', '5'], 1, '21').dice).toEqual(['4', '1', '6', '1', '3', '5']);
    expect(spreadDice(['4', '2', '6', '1', '3', '5'], 1, '12').dice).toEqual(['4', '1', '6', '1', '3', '5']);
    expect(spreadDice(['4', '2', '', '', '', ''], 1, '')).toEqual({ dice: ['4', '', '', '', '', ''], next: 1 });
    expect(spreadDice(['4', '2', '', '', '', ''], 1, '7')).toEqual({ dice: ['4', '', '', '', '', ''], next: 1 });
  });

  it('the computer rolls each face equally: bytes that would favour some are thrown away', () => {
    const bytes = [255, 252, 0, 6, 251, 1, 2, 3, 4, 5];
    expect(rollDice((target) => target.map((_, i) => bytes[i] ?? 0))).toEqual(['1', '1', '6', '2', '3', '4']);
    expect(rollDice().every((die) => /^[1-6]$/.test(die))).toBe(true);
  });

  it('other values keep to the signs of the protocol', () => {
    expect(isEntryValue('Abc 1.,:-')).toBe(true);
    for (const value of ['', '开封', 'a\tb', 'x'.repeat(201)]) expect(isEntryValue(value)).toBe(false);
  });
});

describe('beacons', () => {
  it('are told by their names', () => {
    expect(['drand:quicknet:7', 'lottery:ssq:2026135', 'lottery:demo:1', 'drand:other:7', 'x'].map(beaconKind)).toEqual(['drand', 'lottery', 'demo', null, null]);
  });

  it('the first issue of the lottery that fits is drawn after the instant at the earliest', () => {
    const after = (text: string) => lotteryIssueAfter(Date.parse(text));
    expect(after('2026-11-24T13:14:59Z')).toEqual({ issue: '2026141', drawnMs: Date.parse('2026-11-24T13:15:00Z') });
    expect(after('2026-11-24T13:15:00Z')?.issue).toBe('2026142');
    expect(after('2026-12-31T13:15:00Z')?.issue).toBe('2027001');
    expect(after('2025-12-31T16:00:00Z')).toEqual({ issue: '2026001', drawnMs: Date.parse('2026-01-01T13:15:00Z') });
  });

  it('a drand round is never one that was published before its time', () => {
    expect(drandTimeOf(1)).toBe(1_692_803_367_000);
    expect(drandRoundAt(1_692_803_367_000)).toBe(1);
    for (const ms of [1_800_000_000_000, 1_800_000_001_000, 1_800_000_002_999]) {
      expect(drandTimeOf(drandRoundAt(ms))).toBeGreaterThanOrEqual(ms);
      expect(drandTimeOf(drandRoundAt(ms) - 1)).toBeLessThan(ms);
    }
  });

  it('lottery numbers are sorted and written with two digits', () => {
    expect(lotteryValue(['33', '1', '07', '12', '21', '27'], '9')).toBe('01 07 12 21 27 33 09');
    expect(lotteryValue(['1', '1', '2', '3', '4', '5'], '9')).toBeNull();
    expect(lotteryValue(['1', '2', '3', '4', '5', '34'], '9')).toBeNull();
    expect(lotteryValue(['1', '2', '3', '4', '5', '6'], '17')).toBeNull();
    expect(isDrandValue('a'.repeat(96))).toBe(true);
    expect(isDrandValue('A'.repeat(96))).toBe(false);
  });
});

describe('schedules', () => {
  const now = at('2026-11-23T02:00:00.400Z');

  it('a demonstration closes in minutes and hears its beacon a second later', () => {
    expect(scheduleOf({ closeIn: 2 }, 'demo', now)).toEqual({ entriesClose: '2026-11-23T02:02:01Z', beaconTime: '2026-11-23T02:02:02Z', revealBy: '2026-11-23T03:02:02Z' });
  });

  it('a waived beacon has no time', () => {
    expect(scheduleOf({ closeIn: 5 }, 'waived', now)).not.toHaveProperty('beaconTime');
  });

  it('given times must be complete and follow one another', () => {
    const form = { closeIn: 'exact' as const, entriesClose: dayjs('2026-11-24T10:00:00'), beaconTime: dayjs('2026-11-24T11:00:00'), revealBy: dayjs('2026-11-25T10:00:00') };
    const good = scheduleOf(form, 'drand', now);
    expect(good).toEqual({ entriesClose: '2026-11-24T02:00:00Z', beaconTime: '2026-11-24T03:00:00Z', revealBy: '2026-11-25T02:00:00Z' });
    expect(scheduleOf({ ...form, revealBy: undefined }, 'drand', now)).toBeNull();
    expect(good && scheduleProblem(good, now)).toBeNull();
    expect(good && scheduleProblem(good, at('2026-11-24T02:00:00Z'))).toBe('entriesClose');
    expect(good && scheduleProblem({ ...good, beaconTime: good.entriesClose }, now)).toBe('beaconTime');
    expect(good && scheduleProblem({ ...good, revealBy: good.entriesClose }, now)).toBe('revealBy');
  });
});

describe('the form of a plan', () => {
  it('comes back unchanged', () => {
    const plan = formToPlan({ ...newPlanForm('organisations/amr', '2026-11-23'), title: ' 计划 ', quotas: [{ stratum: '*', unit: 'percent', amount: '2.5' }, { stratum: '410202', unit: 'count', amount: '12' }] });
    expect(plan).toMatchObject({ title: '计划', year: 2026, quotas: [{ stratum: '*', ppm: '25000' }, { stratum: '410202', count: '12' }], endDate: '2026-12-31' });
    expect(formToPlan(planToForm(plan as Parameters<typeof planToForm>[0]))).toEqual(plan);
    const shaped = formToPlan({
      ...newPlanForm('organisations/amr', '2026-11-23'),
      stratification: 'STRATIFICATION_CREDIT_CLASS',
      quotas: [],
      expertCount: 1,
      expertSpecialty: 'lab',
      withheldFiles: ['subjects.tsv'],
      withheldBasis: ' 内部参考 ',
      publishAfter: dayjs('2027-01-05'),
      publishBasis: '食品安全法',
      exceptionKinds: ['PLAN_EXCEPTION_KIND_RECUSALS'],
      exceptionReasons: { PLAN_EXCEPTION_KIND_RECUSALS: ' 多人回避 ', PLAN_EXCEPTION_KIND_SMALL_STRATUM: '不再选择' },
    });
    expect(shaped.experts).toEqual({ count: 1, specialty: 'lab' });
    expect(shaped.withheld).toEqual({ basis: '内部参考', files: ['subjects.tsv'] });
    expect(shaped.publishAfter).toEqual({ basis: '食品安全法', date: '2027-01-05' });
    expect(shaped.quotas).toEqual([]);
    expect(shaped.exceptions).toEqual([{ kind: 'PLAN_EXCEPTION_KIND_RECUSALS', reason: '多人回避' }]);
    expect(plan.exceptions).toEqual([]);
    expect(formToPlan(planToForm(shaped as Parameters<typeof planToForm>[0]))).toEqual(shaped);
    expect([plan.experts, plan.withheld, plan.publishAfter]).toEqual([undefined, undefined, undefined]);
  });

  it('gives exactly one of share and number', () => {
    expect(rowToQuota({ stratum: 'all', unit: 'percent', amount: '5' })).toEqual({ stratum: 'all', ppm: '50000' });
    expect(rowToQuota({ stratum: 'all', unit: 'count', amount: '5' })).toEqual({ stratum: 'all', count: '5' });
    expect(rowToQuota({ stratum: 'all', unit: 'percent', amount: 'x' })).toBeNull();
  });
});
