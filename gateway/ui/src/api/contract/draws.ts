// Written by scripts/contract.mjs from the proto files. Do not edit.
import type * as common from './common';

export type SubjectStatus =
  | 'SUBJECT_STATUS_UNSPECIFIED'
  | 'SUBJECT_STATUS_IN_BUSINESS'
  | 'SUBJECT_STATUS_NOT_IN_BUSINESS'
  | 'SUBJECT_STATUS_SUSPENDED'
  | 'SUBJECT_STATUS_DEREGISTERED'
  | 'SUBJECT_STATUS_REVOKED'
  | 'SUBJECT_STATUS_MOVED_OUT';

export type ConflictState =
  | 'CONFLICT_STATE_UNSPECIFIED'
  | 'CONFLICT_STATE_STANDING'
  | 'CONFLICT_STATE_LIFT_ASKED'
  | 'CONFLICT_STATE_LIFTED';

export interface Subject {
  name: string;
  key: string;
  title: string;
  district: string;
  industry: string;
  address: string;
  status: SubjectStatus;
  oldNumber: boolean;
  etag: string;
  createTime?: string;
  creditClass: string;
  changeTime?: string;
  pendingChange: string;
}

export interface SubjectRow {
  key: string;
  title: string;
  district: string;
  industry: string;
  address: string;
  status: string;
  creditClass: string;
}

export interface ImportSubjectsRequest {
  parent: string;
  fileName: string;
  encoding: string;
  columns: string[];
  defaultDistrict: string;
  file?: unknown;
  reason: string;
  rows: SubjectRow[];
  upload: string;
}

export interface ListImportsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  orderBy: string;
  query: string;
}

export interface ListImportsResponse {
  imports: common.Import[];
  nextPageToken: string;
}

export interface GetImportRequest {
  name: string;
}

export interface DownloadImportReportRequest {
  name: string;
}

export interface ListSubjectsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  query: string;
  district: string;
  status: SubjectStatus;
  districts: string[];
  statuses: SubjectStatus[];
  industry: string;
  creditClasses: string[];
  orderBy: string;
}

export interface ListSubjectsResponse {
  subjects: Subject[];
  nextPageToken: string;
  totalSize: string;
}

export interface ExportSubjectsRequest {
  parent: string;
  query: string;
  district: string;
  status: SubjectStatus;
  districts: string[];
  statuses: SubjectStatus[];
  industry: string;
  creditClasses: string[];
  orderBy: string;
}

export interface GetSubjectRequest {
  name: string;
}

export interface SetSubjectStatusRequest {
  name: string;
  status: SubjectStatus;
  reason: string;
  etag: string;
  requestId: string;
}

export interface Officer {
  key: string;
  organisation: string;
  districts: string[];
  specialties: string[];
  expireDate: string;
  active: boolean;
  leaveUntil: string;
  declareDate: string;
  candidate: boolean;
}

export interface ListOfficersRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  query: string;
  district: string;
  specialty: string;
  candidate: boolean;
  undeclared: boolean;
  orderBy: string;
}

export interface ListOfficersResponse {
  officers: Officer[];
  nextPageToken: string;
}

export interface Conflict {
  name: string;
  officer: string;
  subject: string;
  reason: string;
  creator: string;
  createTime?: string;
  expert: boolean;
  state: ConflictState;
  liftReason: string;
  liftAsker: string;
  liftAskTime?: string;
  liftDecider: string;
  liftDecideTime?: string;
  liftRejectReason: string;
  etag: string;
  subjectTitle: string;
}

export interface DeclareConflictRequest {
  parent: string;
  conflict?: Conflict;
  requestId: string;
}

export interface ListConflictsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  query: string;
  state: ConflictState;
  orderBy: string;
}

export interface ListConflictsResponse {
  conflicts: Conflict[];
  nextPageToken: string;
}

export type RegisterChangeKind =
  | 'REGISTER_CHANGE_KIND_UNSPECIFIED'
  | 'REGISTER_CHANGE_KIND_STATUS'
  | 'REGISTER_CHANGE_KIND_DISTRICT'
  | 'REGISTER_CHANGE_KIND_IMPORT'
  | 'REGISTER_CHANGE_KIND_EXPERTS';

export type RegisterChangeState =
  | 'REGISTER_CHANGE_STATE_UNSPECIFIED'
  | 'REGISTER_CHANGE_STATE_PENDING'
  | 'REGISTER_CHANGE_STATE_APPLYING'
  | 'REGISTER_CHANGE_STATE_APPLIED'
  | 'REGISTER_CHANGE_STATE_REJECTED';

export type RegisterChangeOutcome =
  | 'REGISTER_CHANGE_OUTCOME_UNSPECIFIED'
  | 'REGISTER_CHANGE_OUTCOME_CHANGED'
  | 'REGISTER_CHANGE_OUTCOME_UNCHANGED'
  | 'REGISTER_CHANGE_OUTCOME_STALE'
  | 'REGISTER_CHANGE_OUTCOME_NOT_FOUND';

export interface RegisterChange {
  name: string;
  kind: RegisterChangeKind;
  status: SubjectStatus;
  district: string;
  import: string;
  reason: string;
  plan: string;
  state: RegisterChangeState;
  etag: string;
  creator: string;
  createTime?: string;
  decider: string;
  decideTime?: string;
  decideReason: string;
  endTime?: string;
  rows: string;
  changed: string;
  unchanged: string;
  refused: string;
  samples: RegisterChangeRow[];
}

export interface RegisterChangeRow {
  key: string;
  title: string;
  status: SubjectStatus;
  district: string;
  outcome: RegisterChangeOutcome;
  note: string;
}

export interface ChosenSubject {
  key: string;
  etag: string;
}

export interface ChangeSubjectsRequest {
  parent: string;
  subjects: ChosenSubject[];
  filter?: SubjectFilter;
  status: SubjectStatus;
  district: string;
  reason: string;
  validateOnly: boolean;
  requestId: string;
}

export interface SubjectFilter {
  query: string;
  districts: string[];
  industry: string;
  creditClasses: string[];
  statuses: SubjectStatus[];
}

export interface ListRegisterChangesRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  state: RegisterChangeState;
  orderBy: string;
  query: string;
}

export interface ListRegisterChangesResponse {
  changes: RegisterChange[];
  nextPageToken: string;
}

export interface GetRegisterChangeRequest {
  name: string;
}

export interface ListRegisterChangeRowsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  outcome: RegisterChangeOutcome;
}

export interface ListRegisterChangeRowsResponse {
  rows: RegisterChangeRow[];
  nextPageToken: string;
}

export interface ApproveRegisterChangeRequest {
  name: string;
  reason: string;
  etag: string;
  requestId: string;
}

export interface RejectRegisterChangeRequest {
  name: string;
  reason: string;
  etag: string;
  requestId: string;
}

export interface ListSubjectVersionsRequest {
  parent: string;
}

export interface ListSubjectVersionsResponse {
  versions: SubjectVersion[];
}

export interface SubjectVersion {
  subject?: Subject;
  actor: string;
  time?: string;
  what: string;
  reason: string;
  source: string;
  approver: string;
}

export type PlanState =
  | 'PLAN_STATE_UNSPECIFIED'
  | 'PLAN_STATE_DRAFT'
  | 'PLAN_STATE_IN_REVIEW'
  | 'PLAN_STATE_PUBLISHED'
  | 'PLAN_STATE_FINISHED';

export type PlanKind =
  | 'PLAN_KIND_UNSPECIFIED'
  | 'PLAN_KIND_ANNUAL'
  | 'PLAN_KIND_SPECIAL'
  | 'PLAN_KIND_JOINT';

export type Stratification =
  | 'STRATIFICATION_UNSPECIFIED'
  | 'STRATIFICATION_DISTRICT'
  | 'STRATIFICATION_WHOLE'
  | 'STRATIFICATION_CREDIT_CLASS'
  | 'STRATIFICATION_DISTRICT_AND_CREDIT_CLASS';

export type PlanExceptionKind =
  | 'PLAN_EXCEPTION_KIND_UNSPECIFIED'
  | 'PLAN_EXCEPTION_KIND_SMALL_STRATUM'
  | 'PLAN_EXCEPTION_KIND_FEW_OFFICERS'
  | 'PLAN_EXCEPTION_KIND_FEW_EXPERTS'
  | 'PLAN_EXCEPTION_KIND_RECUSALS';

export interface Quota {
  stratum: string;
  ppm?: string;
  count?: string;
}

export interface TeamPart {
  organisation: string;
  size: number;
  specialty: string;
}

export interface CountyUnit {
  district: string;
  organisation: string;
}

export interface ExpertPart {
  count: number;
  specialty: string;
}

export interface Withholding {
  basis: string;
  files: string[];
}

export interface PublishAfter {
  basis: string;
  date: string;
}

export interface PlanException {
  kind: PlanExceptionKind;
  reason: string;
}

export interface Plan {
  name: string;
  organisation: string;
  title: string;
  year: number;
  kind: PlanKind;
  state: PlanState;
  items: string[];
  districts: string[];
  stratification: Stratification;
  quotas: Quota[];
  teams: TeamPart[];
  coverDistrict: boolean;
  startDate: string;
  endDate: string;
  method: string;
  frequency: string;
  approvedException: string;
  etag: string;
  creator: string;
  publisher: string;
  createTime?: string;
  publishTime?: string;
  returnReason: string;
  late: boolean;
  experts?: ExpertPart;
  withheld?: Withholding;
  publishAfter?: PublishAfter;
  foreseesSupplementary: string;
  countyUnits: CountyUnit[];
  secondVisitReason: string;
  registerBasis: string;
  classSetting: string;
  exceptions: PlanException[];
}

export interface CreatePlanRequest {
  plan?: Plan;
  requestId: string;
}

export interface UpdatePlanRequest {
  plan?: Plan;
  requestId: string;
}

export interface GetPlanRequest {
  name: string;
}

export interface ListPlansRequest {
  pageSize: number;
  pageToken: string;
  query: string;
  state: PlanState;
  year: number;
  orderBy: string;
}

export interface ListPlansResponse {
  plans: Plan[];
  nextPageToken: string;
}

export interface PreviewPlanRequest {
  name: string;
}

export interface PreviewPlanResponse {
  strata: StratumPreview[];
  obstacles: string[];
  experts: string;
  warnings: PlanWarning[];
}

export interface PlanWarning {
  message: string;
  messageEn: string;
}

export interface StratumPreview {
  stratum: string;
  subjects: string;
  leftOut: string;
  drawn: string;
  officers: string;
}

export interface SubmitPlanRequest {
  name: string;
  etag: string;
  requestId: string;
}

export interface ReturnPlanRequest {
  name: string;
  etag: string;
  reason: string;
  requestId: string;
}

export interface PublishPlanRequest {
  name: string;
  etag: string;
  requestId: string;
}

export type CapState =
  | 'CAP_STATE_UNSPECIFIED'
  | 'CAP_STATE_DRAFT'
  | 'CAP_STATE_PUBLISHED'
  | 'CAP_STATE_REJECTED';

export interface CapLimit {
  subjectClass: string;
  visits: number;
}

export interface Cap {
  name: string;
  cityWide: boolean;
  year: number;
  limits: CapLimit[];
  basis: string;
  effectiveDate: string;
  state: CapState;
  etag: string;
  creator: string;
  createTime?: string;
  decider: string;
  decideTime?: string;
  rejectReason: string;
  authority: string;
}

export interface CreateCapRequest {
  parent: string;
  cap?: Cap;
  requestId: string;
}

export interface PublishCapRequest {
  name: string;
  etag: string;
  requestId: string;
}

export interface RejectCapRequest {
  name: string;
  reason: string;
  etag: string;
  requestId: string;
}

export interface GetCapRequest {
  name: string;
}

export interface ListCapsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  state: CapState;
  orderBy: string;
  query: string;
}

export interface ListCapsResponse {
  caps: Cap[];
  nextPageToken: string;
}

export interface ListPublishedCapsRequest {
  year: number;
  pageSize: number;
  pageToken: string;
}

export interface ListPublishedCapsResponse {
  caps: Cap[];
  nextPageToken: string;
}

export interface DownloadPublishedCapsRequest {
  year: number;
}

export type DrawState =
  | 'DRAW_STATE_UNSPECIFIED'
  | 'DRAW_STATE_CREATED'
  | 'DRAW_STATE_STATED'
  | 'DRAW_STATE_CONTRIBUTING'
  | 'DRAW_STATE_REVEALED'
  | 'DRAW_STATE_DISPATCHED'
  | 'DRAW_STATE_DONE'
  | 'DRAW_STATE_ABANDONED'
  | 'DRAW_STATE_FAILED';

export type DrawKind =
  | 'DRAW_KIND_UNSPECIFIED'
  | 'DRAW_KIND_ORIGINAL'
  | 'DRAW_KIND_SUPPLEMENTARY'
  | 'DRAW_KIND_TEAMS';

export type DrawnOutcome =
  | 'DRAWN_OUTCOME_UNSPECIFIED'
  | 'DRAWN_OUTCOME_VISIT'
  | 'DRAWN_OUTCOME_NO_TEAM'
  | 'DRAWN_OUTCOME_TEAM_DRAWN'
  | 'DRAWN_OUTCOME_DEFERRED';

export type ContributorKind =
  | 'CONTRIBUTOR_KIND_UNSPECIFIED'
  | 'CONTRIBUTOR_KIND_DEPARTMENT'
  | 'CONTRIBUTOR_KIND_WITNESS'
  | 'CONTRIBUTOR_KIND_BEACON';

export type VisitState =
  | 'VISIT_STATE_UNSPECIFIED'
  | 'VISIT_STATE_PENDING';

export interface AwaitingTeams {
  organisation: string;
  subjects: string;
}

export interface Contributor {
  contributor: string;
  kind: ContributorKind;
  unit: string;
}

export interface Entry {
  index: number;
  contributor: string;
  value: string;
  createTime?: string;
}

export interface Draw {
  name: string;
  plan: string;
  organisation: string;
  state: DrawState;
  contributors: Contributor[];
  beaconWaived: string;
  entriesClose?: string;
  beaconTime?: string;
  revealBy?: string;
  replaces: string;
  stateTime?: string;
  statement: string;
  statementJson: string;
  rulesJson: string;
  entries: Entry[];
  revealTime?: string;
  seed: string;
  evidenceDigest: string;
  subjects: string;
  drawn: string;
  strata: Stratum[];
  endReason: string;
  etag: string;
  creator: string;
  createTime?: string;
  kid: string;
  statementSignature: string;
  planTitle: string;
  follows: string;
  kind: DrawKind;
  leftOut: LeftOutCount[];
  publishAfter: string;
  withheldFiles: string[];
  teams: TeamPart[];
  coverDistrict: boolean;
  quotas: Quota[];
  followedBy: string[];
  awaitingTeams: AwaitingTeams[];
  replacedBy: string;
  witnessLinks: WitnessLink[];
}

export interface WitnessLink {
  number: string;
  contributor: string;
  issuer: string;
  issueTime?: string;
  openTime?: string;
}

export interface LeftOutCount {
  reason: string;
  count: string;
}

export interface UnitLoad {
  unit: string;
  officers: string;
  places: string;
  fewest: string;
  most: string;
}

export interface Stratum {
  stratum: string;
  subjects: string;
  drawn: string;
  threshold: string;
}

export interface CreateDrawRequest {
  draw?: Draw;
  requestId: string;
}

export interface GetDrawRequest {
  name: string;
}

export interface ListDrawsRequest {
  pageSize: number;
  pageToken: string;
  state: DrawState;
  plan: string;
  query: string;
  orderBy: string;
}

export interface ListDrawsResponse {
  draws: Draw[];
  nextPageToken: string;
}

export interface StateDrawRequest {
  name: string;
  etag: string;
  requestId: string;
}

export interface AddEntryRequest {
  name: string;
  value: string;
  statement: string;
  requestId: string;
}

export interface ReportBeaconRequest {
  name: string;
  value: string;
  requestId: string;
}

export interface AbandonDrawRequest {
  name: string;
  reason: string;
  etag: string;
  requestId: string;
}

export interface DownloadEvidenceRequest {
  name: string;
}

export interface DownloadWithheldRequest {
  name: string;
}

export interface ListDrawnRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  query: string;
}

export interface Drawn {
  place: number;
  subject: string;
  title: string;
  stratum: string;
  district: string;
  ticket: string;
  officers: string[];
  experts: string[];
  outcome: DrawnOutcome;
  outcomeReason: string;
  outcomeOf: string;
}

export interface ListDrawnResponse {
  drawn: Drawn[];
  nextPageToken: string;
  totalSize: string;
}

export interface Visit {
  name: string;
  draw: string;
  plan: string;
  organisation: string;
  subject: string;
  title: string;
  district: string;
  officers: string[];
  state: VisitState;
  dueDate: string;
  place: number;
  createTime?: string;
  experts: string[];
  emptyPlaces: number;
}

export interface ListVisitsRequest {
  pageSize: number;
  pageToken: string;
  draw: string;
  officer: string;
  query: string;
  orderBy: string;
}

export interface ListVisitsResponse {
  visits: Visit[];
  nextPageToken: string;
  totalSize: string;
}

export interface GetVisitRequest {
  name: string;
}

export type RecusalState =
  | 'RECUSAL_STATE_UNSPECIFIED'
  | 'RECUSAL_STATE_REQUESTED'
  | 'RECUSAL_STATE_UPHELD'
  | 'RECUSAL_STATE_REJECTED';

export type RecusalGround =
  | 'RECUSAL_GROUND_UNSPECIFIED'
  | 'RECUSAL_GROUND_INTEREST'
  | 'RECUSAL_GROUND_KINSHIP'
  | 'RECUSAL_GROUND_ILLNESS'
  | 'RECUSAL_GROUND_TRANSFER'
  | 'RECUSAL_GROUND_OTHER';

export type RecusalAct =
  | 'RECUSAL_ACT_UNSPECIFIED'
  | 'RECUSAL_ACT_WITHDRAW'
  | 'RECUSAL_ACT_EXCHANGE';

export interface Recusal {
  name: string;
  draw: string;
  visit: string;
  organisation: string;
  subject: string;
  title: string;
  person: string;
  ground: RecusalGround;
  note: string;
  state: RecusalState;
  act: RecusalAct;
  personIn: string;
  otherSubject: string;
  line: string;
  rejectReason: string;
  creator: string;
  decider: string;
  createTime?: string;
  decideTime?: string;
  etag: string;
}

export interface CreateRecusalRequest {
  recusal?: Recusal;
  requestId: string;
}

export interface GetRecusalRequest {
  name: string;
}

export interface ListRecusalsRequest {
  pageSize: number;
  pageToken: string;
  draw: string;
  state: RecusalState;
  query: string;
  orderBy: string;
}

export interface ListRecusalsResponse {
  recusals: Recusal[];
  nextPageToken: string;
  totalSize: string;
}

export interface UpholdRecusalRequest {
  name: string;
  act: RecusalAct;
  etag: string;
  requestId: string;
}

export interface RejectRecusalRequest {
  name: string;
  reason: string;
  etag: string;
  requestId: string;
}

export type ProofCodeState =
  | 'PROOF_CODE_STATE_UNSPECIFIED'
  | 'PROOF_CODE_STATE_ISSUED'
  | 'PROOF_CODE_STATE_USED'
  | 'PROOF_CODE_STATE_REVOKED'
  | 'PROOF_CODE_STATE_EXPIRED';

export interface ProofCode {
  name: string;
  subject: string;
  title: string;
  state: ProofCodeState;
  creator: string;
  createTime?: string;
  expireTime?: string;
  useTime?: string;
  code: string;
  page: string;
}

export interface IssueProofCodeRequest {
  draw: string;
  subject: string;
}

export interface ListProofCodesRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  query: string;
}

export interface ListProofCodesResponse {
  proofCodes: ProofCode[];
  nextPageToken: string;
  totalSize: string;
}

export interface RedeemProofCodeRequest {
  draw: string;
  code: string;
}

export interface OwnLine {
  draw: string;
  subject: string;
  title: string;
  file: string;
  line: string;
  statement: string;
  stratum: string;
  district: string;
  leftOutReason: string;
  leafIndex: string;
  subjects: string;
  proof: string[];
  merkleRoot: string;
  seed: string;
  ticket: string;
  threshold: string;
  drawn: boolean;
  officers: string[];
  experts: string[];
  ownLineJson: string;
}

export interface CreateWitnessLinkRequest {
  draw: string;
  contributor: string;
}

export interface CreateWitnessLinkResponse {
  path: string;
  draw?: Draw;
}

export interface OpenWitnessLinkRequest {
  token: string;
}

export interface OpenWitnessLinkResponse {
  draw?: Draw;
  contributor: string;
  permit: string;
}

export interface AddWitnessEntryRequest {
  permit: string;
  statement: string;
  value: string;
}

export interface AddWitnessEntryResponse {
  draw: string;
  line: string;
  createTime?: string;
}

export type ExpertState =
  | 'EXPERT_STATE_UNSPECIFIED'
  | 'EXPERT_STATE_ACTIVE'
  | 'EXPERT_STATE_RETIRED';

export type ExpertOrder =
  | 'EXPERT_ORDER_UNSPECIFIED'
  | 'EXPERT_ORDER_KEY_DESC'
  | 'EXPERT_ORDER_EMPLOYER'
  | 'EXPERT_ORDER_EMPLOYER_DESC';

export interface Interest {
  title: string;
  subject: string;
  relation: string;
}

export interface Expert {
  name: string;
  key: string;
  realName: string;
  employer: string;
  specialties: string[];
  districts: string[];
  interests: Interest[];
  state: ExpertState;
  retireDate: string;
  retireReason: string;
  declareDate: string;
  conflicts: number;
  etag: string;
  createTime?: string;
  changeTime?: string;
  pendingChange: string;
}

export interface ListExpertsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  query: string;
  specialty: string;
  district: string;
  state: ExpertState;
  order?: ExpertOrder;
  realName: string;
}

export interface ListExpertsResponse {
  experts: Expert[];
  nextPageToken: string;
  totalSize: string;
}

export interface GetExpertRequest {
  name: string;
}

export interface CreateExpertRequest {
  parent: string;
  expert?: Expert;
  requestId: string;
  reason: string;
}

export interface UpdateExpertRequest {
  expert?: Expert;
  requestId: string;
  reason: string;
}

export interface SetExpertStateRequest {
  name: string;
  state: ExpertState;
  reason: string;
  etag: string;
  requestId: string;
}

export interface ImportExpertsRequest {
  parent: string;
  encoding: string;
  columns: string[];
  file?: unknown;
  reason: string;
  upload: string;
}

export interface ImportExpertsResponse {
  rows: string;
  created: string;
  updated: string;
  unchanged: string;
  returned: string;
  problems: common.RowProblem[];
  change: string;
}

export interface ExportExpertsRequest {
  parent: string;
  query: string;
  specialty: string;
  district: string;
  state: ExpertState;
  realName: string;
}

export type LeaveKind =
  | 'LEAVE_KIND_UNSPECIFIED'
  | 'LEAVE_KIND_ANNUAL'
  | 'LEAVE_KIND_SICK'
  | 'LEAVE_KIND_FAMILY'
  | 'LEAVE_KIND_TRAINING'
  | 'LEAVE_KIND_SECONDED'
  | 'LEAVE_KIND_OTHER';

export interface Leave {
  name: string;
  officer: string;
  firstDay: string;
  lastDay: string;
  endedDay: string;
  kind: LeaveKind;
  reason: string;
  creator: string;
  createTime?: string;
  ender: string;
  etag: string;
}

export interface CreateLeaveRequest {
  parent: string;
  leave?: Leave;
  requestId: string;
}

export interface EndLeaveRequest {
  name: string;
  lastDay: string;
  requestId: string;
  etag: string;
}

export interface GetLeaveRequest {
  name: string;
}

export interface ListLeavesRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  query: string;
  open: boolean;
  orderBy: string;
}

export interface ListLeavesResponse {
  leaves: Leave[];
  nextPageToken: string;
}

export interface Declaration {
  name: string;
  person: string;
  expert: boolean;
  year: number;
  subjects: string[];
  creator: string;
  createTime?: string;
}

export interface CreateDeclarationRequest {
  parent: string;
  declaration?: Declaration;
  none: boolean;
  confirms: boolean;
  additions: Conflict[];
  requestId: string;
}

export interface ListDeclarationsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
  year: number;
  query: string;
  orderBy: string;
}

export interface ListDeclarationsResponse {
  declarations: Declaration[];
  nextPageToken: string;
}

export interface ListUndeclaredRequest {
  parent: string;
  year: number;
  pageSize: number;
  pageToken: string;
  query: string;
}

export interface Undeclared {
  person: string;
  expert: boolean;
  conflicts: number;
}

export interface ListUndeclaredResponse {
  people: Undeclared[];
  nextPageToken: string;
  totalSize: string;
}

export interface GetOwnStandingRequest {
  parent: string;
}

export interface OwnStanding {
  officer?: Officer;
  year: number;
  declaration?: Declaration;
  conflicts: Conflict[];
}

export interface RequestConflictLiftRequest {
  name: string;
  reason: string;
  requestId: string;
  etag: string;
}

export interface LiftConflictRequest {
  name: string;
  requestId: string;
  etag: string;
}

export interface RejectConflictLiftRequest {
  name: string;
  reason: string;
  requestId: string;
  etag: string;
}
