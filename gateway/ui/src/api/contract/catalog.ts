// Written by scripts/contract.mjs from the proto files. Do not edit.
import type * as common from './common';

export type ItemState =
  | 'ITEM_STATE_UNSPECIFIED'
  | 'ITEM_STATE_DRAFT'
  | 'ITEM_STATE_PUBLISHED'
  | 'ITEM_STATE_REVISING'
  | 'ITEM_STATE_RETIRED';

export type ItemGrade =
  | 'ITEM_GRADE_UNSPECIFIED'
  | 'ITEM_GRADE_GENERAL'
  | 'ITEM_GRADE_KEY';

export interface CheckEntry {
  content: string;
  method: string;
  penaltyBasis: string;
}

export interface RandomListing {
  ratioPercentMax: number;
  visitsPerYearMax: number;
  publishWithinWorkdays: number;
  withheld: boolean;
  publicationBasis: string;
}

export interface Item {
  name: string;
  code: string;
  title: string;
  subTitle: string;
  legalBasis: string;
  inspectingBody: string;
  subjectScope: string;
  ratio: string;
  frequency: string;
  method: string;
  officerDemand: string;
  remark: string;
  grade: ItemGrade;
  randomListed: boolean;
  checklist: CheckEntry[];
  state: ItemState;
  etag: string;
  leader: string;
  undertakingUnit: string;
  handler: string;
  listing?: RandomListing;
  version: string;
  changeReason: string;
}

export interface ImportItemsRequest {
  parent: string;
  fileName: string;
  encoding: string;
  columns: string[];
  randomListed: boolean;
  deriveChecklist: boolean;
  file?: unknown;
  upload: string;
  leader: string;
  undertakingUnit: string;
  handler: string;
}

export interface ListItemsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  query: string;
  state: ItemState;
  orderBy: string;
}

export interface ListItemsResponse {
  items: Item[];
  nextPageToken: string;
  totalSize: string;
}

export interface GetItemRequest {
  name: string;
}

export interface CreateItemRequest {
  parent: string;
  item?: Item;
  requestId: string;
}

export interface UpdateItemRequest {
  item?: Item;
  requestId: string;
}

export interface PublishItemsRequest {
  parent: string;
  names: string[];
  requestId: string;
}

export interface PublishResult {
  name: string;
  reason: string;
  message: string;
}

export interface PublishItemsResponse {
  published: number;
  refused: PublishResult[];
}

export interface ListItemImportsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  orderBy: string;
  query: string;
}

export interface ListItemImportsResponse {
  imports: common.Import[];
  nextPageToken: string;
}

export interface DownloadItemImportReportRequest {
  name: string;
}

export type CalendarState =
  | 'CALENDAR_STATE_UNSPECIFIED'
  | 'CALENDAR_STATE_IN_REVIEW'
  | 'CALENDAR_STATE_OFFICIAL'
  | 'CALENDAR_STATE_REPLACED'
  | 'CALENDAR_STATE_REJECTED';

export interface DueWorkdayRequest {
  start: string;
  days: number;
}

export interface DueWorkdayResponse {
  dueDate: string;
  provisional: boolean;
  specialDays: SpecialDay[];
}

export interface SpecialDay {
  date: string;
  workday: boolean;
  holiday: string;
  basis: string;
}

export interface Calendar {
  name: string;
  year: number;
  version: number;
  state: CalendarState;
  bases: string[];
  specialDays: SpecialDay[];
  creator: string;
  createTime?: string;
  reviewer: string;
  reviewTime?: string;
  reason: string;
  etag: string;
}

export interface ImportCalendarRequest {
  content: string;
  requestId: string;
}

export interface ApproveCalendarRequest {
  name: string;
  etag: string;
  requestId: string;
}

export interface RejectCalendarRequest {
  name: string;
  etag: string;
  reason: string;
  requestId: string;
}

export interface ListCalendarsRequest {
  pageSize: number;
  pageToken: string;
  orderBy: string;
  query: string;
  state: CalendarState;
}

export interface ListCalendarsResponse {
  calendars: Calendar[];
  nextPageToken: string;
  totalSize: string;
}

export interface GetCalendarRequest {
  name: string;
}

export type ItemLevel =
  | 'ITEM_LEVEL_UNSPECIFIED'
  | 'ITEM_LEVEL_STATE'
  | 'ITEM_LEVEL_PROVINCE'
  | 'ITEM_LEVEL_CITY';

export type ClaimState =
  | 'CLAIM_STATE_UNSPECIFIED'
  | 'CLAIM_STATE_TO_CLAIM'
  | 'CLAIM_STATE_CLAIMED'
  | 'CLAIM_STATE_DECLINED'
  | 'CLAIM_STATE_ORDERED'
  | 'CLAIM_STATE_WITHDRAWN';

export interface Claim {
  name: string;
  item?: Item;
  level?: ItemLevel;
  state: ClaimState;
  dueDate: string;
  declineReason: string;
  rulingReason: string;
  madeItem: string;
  renewal: boolean;
  issuer: string;
  issueTime?: string;
  etag: string;
}

export interface IssueItemsRequest {
  items: Item[];
  organisations: string[];
  level?: ItemLevel;
  requestId: string;
}

export interface IssueItemsResponse {
  issued: number;
  dueDate: string;
}

export interface ListClaimsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  orderBy: string;
  query: string;
  state: ClaimState;
}

export interface ListClaimsResponse {
  claims: Claim[];
  nextPageToken: string;
  totalSize: string;
}

export interface GetClaimRequest {
  name: string;
}

export interface ClaimItemsRequest {
  parent: string;
  names: string[];
  requestId: string;
}

export interface ClaimResult {
  name: string;
  item: string;
  reason: string;
  message: string;
}

export interface ClaimItemsResponse {
  claimed: number;
  results: ClaimResult[];
}

export interface DeclineClaimRequest {
  name: string;
  reason: string;
  etag: string;
  requestId: string;
}

export interface RuleOnClaimRequest {
  name: string;
  ordered: boolean;
  instead: string;
  reason: string;
  etag: string;
  requestId: string;
}

export interface ItemVersion {
  name: string;
  number: string;
  item?: Item;
  publishTime?: string;
  publisher: string;
  reason: string;
}

export interface ReviseItemRequest {
  name: string;
  etag: string;
  reason: string;
  requestId: string;
}

export interface WithdrawItemRevisionRequest {
  name: string;
  etag: string;
  requestId: string;
}

export interface RetireItemRequest {
  name: string;
  etag: string;
  reason: string;
  requestId: string;
}

export interface ListItemVersionsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
}

export interface ListItemVersionsResponse {
  versions: ItemVersion[];
  nextPageToken: string;
}

export interface GetItemVersionRequest {
  name: string;
}

export interface CompareItemVersionsRequest {
  name: string;
  base: string;
  target: string;
}

export interface CompareItemVersionsResponse {
  differences: FieldDifference[];
}

export interface FieldDifference {
  field: string;
  before: string;
  after: string;
}
