// Written by scripts/contract.mjs from the proto files. Do not edit.
import type * as access from './access';

export type OrganisationKind =
  | 'ORGANISATION_KIND_UNSPECIFIED'
  | 'ORGANISATION_KIND_DISTRICT'
  | 'ORGANISATION_KIND_DEPARTMENT'
  | 'ORGANISATION_KIND_UNIT';

export type UserState =
  | 'USER_STATE_UNSPECIFIED'
  | 'USER_STATE_ACTIVE'
  | 'USER_STATE_FROZEN'
  | 'USER_STATE_PENDING_VERIFICATION'
  | 'USER_STATE_CLOSED';

export interface Organisation {
  name: string;
  title: string;
  titleEn: string;
  kind: OrganisationKind;
  district: string;
  parent: string;
  responsible: string;
  enforcing: boolean;
}

export interface Certificate {
  number: string;
  expireDate: string;
  districts: string[];
  specialties: string[];
}

export interface User {
  name: string;
  username: string;
  realName: string;
  organisation: string;
  roles: access.Role[];
  state: UserState;
  certificate?: Certificate;
  etag: string;
  createTime?: string;
  lockedUntil?: string;
  verification: string;
}

export interface OpenSignInRequest {
  username: string;
  password: string;
  address: string;
}

export interface OpenSignInResponse {
  signIn: string;
  token?: AccessToken;
  user?: User;
  organisation?: Organisation;
}

export interface RefreshTokenRequest {
  signIn: string;
}

export interface CloseSignInRequest {
  signIn: string;
}

export interface IssueTokenRequest {
  client: string;
  secret: string;
}

export interface AccessToken {
  token: string;
  expireTime?: string;
}

export type GetMeRequest = Record<string, never>;

export interface ChangePasswordRequest {
  oldPassword: string;
  newPassword: string;
}

export interface ListOrganisationsRequest {
  pageSize: number;
  pageToken: string;
  query: string;
  kind: OrganisationKind;
  district: string;
  orderBy: string;
}

export interface ListOrganisationsResponse {
  organisations: Organisation[];
  nextPageToken: string;
  totalSize: string;
}

export interface CreateOrganisationRequest {
  organisationId: string;
  organisation?: Organisation;
  requestId: string;
}

export interface ListUsersRequest {
  pageSize: number;
  pageToken: string;
  organisation: string;
  query: string;
  state: UserState;
  role: access.Role;
  orderBy: string;
}

export interface ListUsersResponse {
  users: User[];
  nextPageToken: string;
  totalSize: string;
}

export interface GetUserRequest {
  name: string;
}

export interface CreateUserRequest {
  user?: User;
  password: string;
  requestId: string;
  verification: string;
}

export interface CreateUserResponse {
  user?: User;
  password: string;
}

export interface FreezeUserRequest {
  name: string;
  etag: string;
  reason: string;
  requestId: string;
}

export interface UnfreezeUserRequest {
  name: string;
  etag: string;
  requestId: string;
}

export interface SetCertificateRequest {
  name: string;
  certificate?: Certificate;
  etag: string;
  reason: string;
  requestId: string;
}

export interface CreateMachineClientRequest {
  title: string;
  organisation: string;
  requestId: string;
}

export interface CreateMachineClientResponse {
  name: string;
  secret: string;
  client?: MachineClient;
}

export type UserActKind =
  | 'USER_ACT_KIND_UNSPECIFIED'
  | 'USER_ACT_KIND_REGISTERED'
  | 'USER_ACT_KIND_VERIFIED'
  | 'USER_ACT_KIND_ROLES_SET'
  | 'USER_ACT_KIND_FROZEN'
  | 'USER_ACT_KIND_UNFROZEN'
  | 'USER_ACT_KIND_CERTIFICATE_SET'
  | 'USER_ACT_KIND_HANDED_OVER'
  | 'USER_ACT_KIND_CLOSED';

export interface UserAct {
  number: number;
  kind: UserActKind;
  actor: string;
  time?: string;
  reason: string;
  roles: access.Role[];
  successor: string;
}

export interface VerifyUserRequest {
  name: string;
  verification: string;
  etag: string;
  requestId: string;
}

export interface SetRolesRequest {
  name: string;
  roles: access.Role[];
  reason: string;
  etag: string;
  requestId: string;
}

export interface HandOverDutiesRequest {
  name: string;
  successor: string;
  reason: string;
  etag: string;
  requestId: string;
}

export interface CloseUserRequest {
  name: string;
  successor: string;
  reason: string;
  etag: string;
  requestId: string;
}

export interface ListUserActsRequest {
  parent: string;
  pageSize: number;
  pageToken: string;
}

export interface ListUserActsResponse {
  acts: UserAct[];
  nextPageToken: string;
  totalSize: string;
}

export type MachineClientState =
  | 'MACHINE_CLIENT_STATE_UNSPECIFIED'
  | 'MACHINE_CLIENT_STATE_ACTIVE'
  | 'MACHINE_CLIENT_STATE_FROZEN'
  | 'MACHINE_CLIENT_STATE_RETIRED';

export interface MachineClientSecret {
  createTime?: string;
  expireTime?: string;
  lastUseTime?: string;
  lastUseAddress: string;
}

export interface MachineClient {
  name: string;
  title: string;
  organisation: string;
  state: MachineClientState;
  secrets: MachineClientSecret[];
  reason: string;
  etag: string;
  createTime?: string;
  createdBy: string;
  lastUseTime?: string;
  lastUseAddress: string;
}

export interface ListMachineClientsRequest {
  pageSize: number;
  pageToken: string;
  organisation: string;
  query: string;
  state: MachineClientState;
  orderBy: string;
}

export interface ListMachineClientsResponse {
  clients: MachineClient[];
  nextPageToken: string;
  totalSize: string;
}

export interface GetMachineClientRequest {
  name: string;
}

export interface RotateMachineClientSecretRequest {
  name: string;
  etag: string;
  overlapHours?: number;
  requestId: string;
}

export interface RotateMachineClientSecretResponse {
  client?: MachineClient;
  secret: string;
}

export interface EndOldMachineClientSecretRequest {
  name: string;
  etag: string;
  requestId: string;
}

export interface FreezeMachineClientRequest {
  name: string;
  etag: string;
  reason: string;
  requestId: string;
}

export interface UnfreezeMachineClientRequest {
  name: string;
  etag: string;
  requestId: string;
}

export interface RetireMachineClientRequest {
  name: string;
  etag: string;
  reason: string;
  requestId: string;
}

export interface SignOnLink {
  name: string;
  issuer: string;
  subject: string;
  createdBy: string;
  createTime?: string;
}

export interface BeginSignOnRequest {
  browser: string;
}

export interface BeginSignOnResponse {
  authorizationUrl: string;
}

export interface FinishSignOnRequest {
  state: string;
  code: string;
  browser: string;
  address: string;
}

export interface ListSignOnLinksRequest {
  parent: string;
}

export interface ListSignOnLinksResponse {
  links: SignOnLink[];
}

export interface CreateSignOnLinkRequest {
  parent: string;
  subject: string;
  issuer: string;
  requestId: string;
}

export interface DeleteSignOnLinkRequest {
  name: string;
}
