// Written by scripts/contract.mjs from the proto files. Do not edit.
import type * as identity from './identity';

export interface SignInRequest {
  username: string;
  password: string;
}

export type BeginSignOnRequest = Record<string, never>;

export interface BeginSignOnResponse {
  authorizationUrl: string;
}

export interface FinishSignOnRequest {
  state: string;
  code: string;
}

export type GetSessionRequest = Record<string, never>;

export type SignOutRequest = Record<string, never>;

export interface Session {
  user?: identity.User;
  organisation?: identity.Organisation;
  csrfToken: string;
  demonstration: boolean;
  signOnTitle: string;
  signOnTitleEn: string;
}
