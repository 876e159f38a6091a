// Written by scripts/contract.mjs from the proto files. Do not edit.

export type Role =
  | 'ROLE_UNSPECIFIED'
  | 'ROLE_PLATFORM_OPERATOR'
  | 'ROLE_SUPERVISION_OFFICE'
  | 'ROLE_COORDINATOR'
  | 'ROLE_DEPARTMENT_ADMIN'
  | 'ROLE_HANDLER'
  | 'ROLE_REVIEWER'
  | 'ROLE_OFFICER'
  | 'ROLE_AUDITOR'
  | 'ROLE_INTEGRATOR'
  | 'ROLE_LEADING_GROUP_SECRETARY'
  | 'ROLE_JUSTICE_BUREAU'
  | 'ROLE_DISTRICT_ADMIN'
  | 'ROLE_LEGAL_REVIEWER'
  | 'ROLE_HEAD'
  | 'ROLE_EXPERT'
  | 'ROLE_EDITOR'
  | 'ROLE_MODEL_APPROVER'
  | 'ROLE_SECURITY_ADMIN'
  | 'ROLE_REPRESENTATIVE';

export type Scope =
  | 'SCOPE_UNSPECIFIED'
  | 'SCOPE_OWN'
  | 'SCOPE_ORGANISATION'
  | 'SCOPE_CITY';

export interface Rule {
  public: boolean;
  signedIn: boolean;
  roles: Role[];
  services: string[];
  scope?: Scope;
  personalData: boolean;
}
