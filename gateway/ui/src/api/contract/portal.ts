// Written by scripts/contract.mjs from the proto files. Do not edit.
import type * as catalog from './catalog';
import type * as draws from './draws';

export type Standing =
  | 'STANDING_UNSPECIFIED'
  | 'STANDING_DRAWN'
  | 'STANDING_NOT_DRAWN'
  | 'STANDING_LEFT_OUT'
  | 'STANDING_NOT_IN_SCOPE';

export type GetOverviewRequest = Record<string, never>;

export interface Overview {
  items: string;
  plans: string;
  draws: string;
  drawn: string;
  newestDraws: PublicDraw[];
  newestPlans: PublicPlan[];
  endedDraws: string;
}

export interface SearchRequest {
  query: string;
}

export interface SearchHit {
  name: string;
  title: string;
  kind: string;
}

export interface SearchResponse {
  hits: SearchHit[];
}

export interface ListPlansRequest {
  pageSize: number;
  pageToken: string;
  query: string;
  year: number;
}

export interface PublicPlan {
  plan?: draws.Plan;
  organisationTitle: string;
  itemTitles: string[];
  draws: string[];
  units: Unit[];
}

export interface Unit {
  name: string;
  title: string;
  titleEn: string;
}

export interface ListPlansResponse {
  plans: PublicPlan[];
  nextPageToken: string;
}

export interface GetPlanRequest {
  name: string;
}

export interface ListItemsRequest {
  pageSize: number;
  pageToken: string;
  query: string;
}

export interface ListItemsResponse {
  items: catalog.Item[];
  nextPageToken: string;
}

export interface GetItemRequest {
  name: string;
}

export interface ListDrawsRequest {
  pageSize: number;
  pageToken: string;
  query: string;
  plan: string;
  organisation: string;
  year: number;
  ended: boolean;
}

export interface PublicDraw {
  name: string;
  draw?: draws.Draw;
  organisationTitle: string;
  planTitle: string;
  evidenceSize: string;
  load: LoadCount[];
  withoutTeam: string;
  visits: string;
  entriesSignature: string;
  publishAfter: string;
  replacedBy: string;
  units: Unit[];
  logLines: string;
  logHead: string;
  fairness?: DrawFairness;
  followedBy: string[];
  deferred: string;
}

export interface DrawFairness {
  inclusion: Inclusion[];
  unitLoads: draws.UnitLoad[];
  noChoice: string;
}

export interface Inclusion {
  stratum: string;
  drawn: string;
  subjects: string;
  ppm: string;
}

export interface GetFairnessRequest {
  organisation: string;
  year: number;
}

export interface Fairness {
  years: FairnessYear[];
}

export interface FairnessYear {
  unit?: Unit;
  year: number;
  draws: string;
  goingOn: string;
  revealed: string;
  abandoned: string;
  failed: string;
  replaced: string;
  subjects: string;
  drawn: string;
  withoutTeam: string;
  noChoice: string;
}

export interface LoadCount {
  subjects: number;
  officers: number;
}

export interface ListDrawsResponse {
  draws: PublicDraw[];
  nextPageToken: string;
}

export interface GetDrawRequest {
  name: string;
}

export interface ListDrawnRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  query: string;
  stratum: string;
}

export interface ListDrawnResponse {
  drawn: draws.Drawn[];
  nextPageToken: string;
  totalSize: string;
}

export interface LookUpSubjectRequest {
  draw: string;
  subject: string;
}

export interface SubjectStanding {
  standing: Standing;
  key: string;
  title: string;
  stratum: string;
  district: string;
  ticket: string;
  threshold: string;
  leftOutReason: string;
  leafIndex: string;
  proof: string[];
  merkleRoot: string;
  officers: string[];
}

export interface DownloadEvidenceRequest {
  name: string;
}

export interface DownloadStatementRequest {
  name: string;
}

export interface DownloadLogRequest {
  name: string;
}

export interface DownloadLogHeadRequest {
  name: string;
}

export interface ListLogRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
}

export interface LogLine {
  n: string;
  time: string;
  act: string;
  subject: string;
  title: string;
  personOut: string;
  personIn: string;
  otherSubject: string;
  otherTitle: string;
  reason: string;
  askedBy: string;
  approvedBy: string;
}

export interface ListLogResponse {
  lines: LogLine[];
  nextPageToken: string;
  totalSize: string;
}

export type GetSigningKeysRequest = Record<string, never>;
