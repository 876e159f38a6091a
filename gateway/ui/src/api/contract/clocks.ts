// Written by scripts/contract.mjs from the proto files. Do not edit.

export type DayKind =
  | 'DAY_KIND_UNSPECIFIED'
  | 'DAY_KIND_WORKING'
  | 'DAY_KIND_CALENDAR';

export type ClockState =
  | 'CLOCK_STATE_UNSPECIFIED'
  | 'CLOCK_STATE_GREEN'
  | 'CLOCK_STATE_YELLOW'
  | 'CLOCK_STATE_RED'
  | 'CLOCK_STATE_OVERDUE'
  | 'CLOCK_STATE_PAUSED'
  | 'CLOCK_STATE_ENDED';

export type ClockAct =
  | 'CLOCK_ACT_UNSPECIFIED'
  | 'CLOCK_ACT_STARTED'
  | 'CLOCK_ACT_PAUSED'
  | 'CLOCK_ACT_RESUMED'
  | 'CLOCK_ACT_EXTENDED'
  | 'CLOCK_ACT_RECOMPUTED'
  | 'CLOCK_ACT_ENDED'
  | 'CLOCK_ACT_ASSIGNED';

export interface Clock {
  name: string;
  aggregate: string;
  kind: string;
  organisation: string;
  unit: string;
  responsible: string;
  startDate: string;
  days: number;
  dayKind: DayKind;
  dueDate: string;
  provisional: boolean;
  setting: string;
  state: ClockState;
  daysLeft: number;
  endDate: string;
  etag: string;
}

export interface ListClocksRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  orderBy: string;
  query: string;
  responsible: string;
  unit: string;
  overdue: boolean;
  ended: boolean;
}

export interface ListClocksResponse {
  clocks: Clock[];
  nextPageToken: string;
  totalSize: string;
}
