// Written by scripts/contract.mjs from the proto files. Do not edit.

export type Outcome =
  | 'OUTCOME_UNSPECIFIED'
  | 'OUTCOME_DONE'
  | 'OUTCOME_REFUSED';

export interface Audience {
  public: boolean;
  organisations: string[];
  districts: string[];
}

export interface Event {
  aggregate: string;
  revision: string;
  time?: string;
  audience?: Audience;
  payload?: unknown;
}

export interface AuditEntry {
  time?: string;
  actor: string;
  organisation: string;
  method: string;
  resource: string;
  outcome: Outcome;
  reason: string;
  purpose: string;
  before: string;
  after: string;
  trace: string;
  address: string;
}

export interface Record {
  event?: Event;
  audit?: AuditEntry;
}

export interface Head {
  service: string;
  position: string;
  hash: string;
  time?: string;
  kid: string;
  signature: string;
}

export interface ReadEventsRequest {
  after: string;
  afterHash: string;
  types: string[];
  follow: boolean;
}

export interface ReadEventsResponse {
  position: string;
  hash: string;
  event?: Event;
  head?: Head;
}
