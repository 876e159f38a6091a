import type { SubjectStatus } from '../../api/contract/draws';

/** Statuses of life that can be chosen, in the order in which they are offered. */
export const statuses = [
  'SUBJECT_STATUS_IN_BUSINESS',
  'SUBJECT_STATUS_SUSPENDED',
  'SUBJECT_STATUS_DEREGISTERED',
  'SUBJECT_STATUS_REVOKED',
  'SUBJECT_STATUS_MOVED_OUT',
  'SUBJECT_STATUS_NOT_IN_BUSINESS',
] as const satisfies readonly SubjectStatus[];

/** Credit classes as the service takes them; `NONE` is unclassified. */
export const creditClasses = ['A', 'B', 'C', 'D', 'NONE'] as const;
