// A plan as its form holds it, and back. Numbers stay text until they are whole numbers.
import dayjs, { type Dayjs } from 'dayjs';
import type { Input } from '../api/client';
import type { CountyUnit, Plan, PlanExceptionKind, PlanKind, Quota, Stratification } from '../api/contract/draws';
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
  exceptionKinds: PlanExceptionKind[];
  /** Of kinds chosen and of kinds no longer chosen. */
  exceptionReasons: Partial<Record<PlanExceptionKind, string>>;
  expertCount: number;
  expertSpecialty?: string;
  withheldFiles: string[];
  withheldBasis?: string;
  publishAfter?: Dayjs | null;
  publishBasis?: string;
  registerBasis?: string;
  foreseesSupplementary?: string;
  secondVisitReason?: string;
  countyUnits: CountyUnit[];
}

/** Tables of a draw that may be withheld (protocol, section 7). */
export const tables = ['subjects.tsv', 'left_out.tsv', 'officers.tsv', 'experts.tsv', 'exclusions.tsv'] as const;

/** What a plan may be excepted from, each with the refusal it lifts (art. 14-16). */
export const exceptionKinds = ['PLAN_EXCEPTION_KIND_SMALL_STRATUM', 'PLAN_EXCEPTION_KIND_FEW_OFFICERS', 'PLAN_EXCEPTION_KIND_FEW_EXPERTS', 'PLAN_EXCEPTION_KIND_RECUSALS'] as const satisfies readonly PlanExceptionKind[];

/** Whether a plan divides its pool by credit class. */
export const byClass = (stratification: Stratification | undefined): boolean =>
  stratification === 'STRATIFICATION_CREDIT_CLASS' || stratification === 'STRATIFICATION_DISTRICT_AND_CREDIT_CLASS';

/** Strata by credit class. */
export const classes = ['A', 'B', 'C', 'D', 'UNCLASSIFIED'] as const;

/** The quotas a form begins with; by class none, since the platform fills in those of its settings. */
export function firstQuotas(stratification: Stratification): QuotaRow[] {
  if (byClass(stratification)) return [];
  return [{ stratum: stratification === 'STRATIFICATION_WHOLE' ? 'all' : '*', unit: 'percent', amount: '5' }];
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
    quotas: firstQuotas('STRATIFICATION_DISTRICT'),
    teams: [{ organisation, size: 2, specialty: '' }],
    coverDistrict: false,
    startDate: dayjs(day),
    endDate: dayjs(`${year}-12-31`),
    method: '现场检查',
    frequency: '每年1次',
    exceptionKinds: [],
    exceptionReasons: {},
    expertCount: 0,
    expertSpecialty: '',
    withheldFiles: [],
    withheldBasis: '',
    publishAfter: null,
    publishBasis: '',
    registerBasis: '',
    foreseesSupplementary: '',
    secondVisitReason: '',
    countyUnits: [],
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
    exceptionKinds: plan.exceptions.map((one) => one.kind),
    exceptionReasons: Object.fromEntries(plan.exceptions.map((one) => [one.kind, one.reason])),
    expertCount: plan.experts?.count ?? 0,
    expertSpecialty: plan.experts?.specialty ?? '',
    withheldFiles: plan.withheld?.files ?? [],
    withheldBasis: plan.withheld?.basis ?? '',
    publishAfter: plan.publishAfter ? dayjs(plan.publishAfter.date) : null,
    publishBasis: plan.publishAfter?.basis ?? '',
    registerBasis: plan.registerBasis,
    foreseesSupplementary: plan.foreseesSupplementary,
    secondVisitReason: plan.secondVisitReason,
    countyUnits: plan.countyUnits.map((unit) => ({ ...unit })),
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
    exceptions: form.exceptionKinds.map((kind) => ({ kind, reason: form.exceptionReasons[kind]?.trim() ?? '' })),
    experts: form.expertCount > 0 ? { count: form.expertCount, specialty: form.expertSpecialty?.trim() ?? '' } : undefined,
    withheld: form.withheldFiles.length > 0 ? { basis: form.withheldBasis?.trim() ?? '', files: form.withheldFiles } : undefined,
    publishAfter: form.publishAfter ? { basis: form.publishBasis?.trim() ?? '', date: form.publishAfter.format('YYYY-MM-DD') } : undefined,
    registerBasis: byClass(form.stratification) ? form.registerBasis?.trim() ?? '' : '',
    foreseesSupplementary: form.foreseesSupplementary?.trim() ?? '',
    secondVisitReason: form.secondVisitReason?.trim() ?? '',
    countyUnits: form.countyUnits.map((unit) => ({ district: unit.district, organisation: unit.organisation })),
  };
}
