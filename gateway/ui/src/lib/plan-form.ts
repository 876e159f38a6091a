// A plan as its form holds it, and back. Numbers stay text until they are whole numbers.
import dayjs, { type Dayjs } from 'dayjs';
import type { Input } from '../api/client';
import type { Plan, PlanKind, Quota, Stratification } from '../api/contract/draws';
import { percentToPpm, ppmToPercent, wholeNumber } from './quota';

export interface QuotaRow {
  stratum: string;
  unit: 'percent' | 'count';
  amount: string;
}

export interface TeamRow {
  organisation: string;
  size: number;
  specialty?: string;
}

export interface PlanForm {
  title: string;
  year: number;
  kind: PlanKind;
  items: string[];
  districts: string[];
  stratification: Stratification;
  quotas: QuotaRow[];
  teams: TeamRow[];
  coverDistrict: boolean;
  startDate: Dayjs;
  endDate: Dayjs;
  method: string;
  frequency: string;
  approvedException?: string;
}

/** The form of a new plan of an organisation, on a day `YYYY-MM-DD`. */
export function newPlanForm(organisation: string, day: string): PlanForm {
  const year = Number(day.slice(0, 4));
  return {
    title: '',
    year,
    kind: 'PLAN_KIND_ANNUAL',
    items: [],
    districts: [],
    stratification: 'STRATIFICATION_DISTRICT',
    quotas: [{ stratum: '*', unit: 'percent', amount: '5' }],
    teams: [{ organisation, size: 2, specialty: '' }],
    coverDistrict: false,
    startDate: dayjs(day),
    endDate: dayjs(`${year}-12-31`),
    method: '现场检查',
    frequency: '每年1次',
    approvedException: '',
  };
}

export function quotaToRow(quota: Quota): QuotaRow {
  return quota.ppm !== undefined
    ? { stratum: quota.stratum, unit: 'percent', amount: ppmToPercent(quota.ppm) }
    : { stratum: quota.stratum, unit: 'count', amount: quota.count ?? '0' };
}

/** A quota as the contract takes it; null when the amount is none. */
export function rowToQuota(row: QuotaRow): Quota | null {
  if (row.unit === 'percent') {
    const ppm = percentToPpm(row.amount);
    return ppm === null ? null : { stratum: row.stratum, ppm };
  }
  const count = wholeNumber(row.amount);
  return count === null ? null : { stratum: row.stratum, count };
}

export function planToForm(plan: Plan): PlanForm {
  return {
    title: plan.title,
    year: plan.year,
    kind: plan.kind,
    items: plan.items,
    districts: plan.districts,
    stratification: plan.stratification,
    quotas: plan.quotas.map(quotaToRow),
    teams: plan.teams.map((team) => ({ ...team })),
    coverDistrict: plan.coverDistrict,
    startDate: dayjs(plan.startDate),
    endDate: dayjs(plan.endDate),
    method: plan.method,
    frequency: plan.frequency,
    approvedException: plan.approvedException,
  };
}

/** The plan to be sent. Amounts have been checked by the form. */
export function formToPlan(form: PlanForm): NonNullable<Input<'Plans.CreatePlan'>['plan']> {
  return {
    title: form.title.trim(),
    year: form.year,
    kind: form.kind,
    items: form.items,
    districts: form.districts,
    stratification: form.stratification,
    quotas: form.quotas.flatMap((row) => rowToQuota(row) ?? []),
    teams: form.teams.map((team) => ({ organisation: team.organisation, size: team.size, specialty: team.specialty?.trim() ?? '' })),
    coverDistrict: form.coverDistrict,
    startDate: form.startDate.format('YYYY-MM-DD'),
    endDate: form.endDate.format('YYYY-MM-DD'),
    method: form.method.trim(),
    frequency: form.frequency.trim(),
    approvedException: form.approvedException?.trim() ?? '',
  };
}
