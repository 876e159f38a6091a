// Written by scripts/contract.mjs from the proto files. Do not edit.

export type ImportState =
  | 'IMPORT_STATE_UNSPECIFIED'
  | 'IMPORT_STATE_RUNNING'
  | 'IMPORT_STATE_FINISHED'
  | 'IMPORT_STATE_INTERRUPTED'
  | 'IMPORT_STATE_WAITING'
  | 'IMPORT_STATE_APPLYING'
  | 'IMPORT_STATE_REJECTED';

export interface Import {
  name: string;
  fileName: string;
  state: ImportState;
  encoding: string;
  rows: string;
  created: string;
  updated: string;
  unchanged: string;
  returned: string;
  oldNumbers: string;
  problems: RowProblem[];
  createTime?: string;
  endTime?: string;
  creator: string;
  reason: string;
  change: string;
}

export interface RowProblem {
  line: string;
  field: string;
  value: string;
  reason: string;
  message: string;
  messageEn: string;
}
