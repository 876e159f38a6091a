// Who may do what, from the contract's own rules.
import type { Role } from '../api/contract/access';
import { routes, type Methods } from '../api/contract/routes';

/** Roles that reach the rows of every organisation. */
export const cityWideRoles: readonly Role[] = ['ROLE_PLATFORM_OPERATOR', 'ROLE_SUPERVISION_OFFICE', 'ROLE_AUDITOR', 'ROLE_LEADING_GROUP_SECRETARY', 'ROLE_JUSTICE_BUREAU'];

/** Roles of a department; the city's own are granted by the operator only. */
export const departmentRoles: readonly Role[] = ['ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_OFFICER', 'ROLE_LEGAL_REVIEWER', 'ROLE_HEAD', 'ROLE_EDITOR', 'ROLE_DEPARTMENT_ADMIN'];
const cityRoles: readonly Role[] = ['ROLE_DISTRICT_ADMIN', 'ROLE_COORDINATOR', 'ROLE_SUPERVISION_OFFICE', 'ROLE_JUSTICE_BUREAU', 'ROLE_LEADING_GROUP_SECRETARY', 'ROLE_MODEL_APPROVER', 'ROLE_SECURITY_ADMIN', 'ROLE_AUDITOR', 'ROLE_PLATFORM_OPERATOR'];

/** Every role that people of organisations hold, in the order they are offered. */
export const heldRoles: readonly Role[] = [...departmentRoles, ...cityRoles];

/** Roles that the holder of these may grant and take (art. 27). */
export function grantable(own: readonly Role[]): readonly Role[] {
  if (own.includes('ROLE_PLATFORM_OPERATOR')) return heldRoles;
  if (own.includes('ROLE_DEPARTMENT_ADMIN')) return departmentRoles;
  return own.includes('ROLE_DISTRICT_ADMIN') ? ['ROLE_DEPARTMENT_ADMIN'] : [];
}

/** Roles the contract asks for; empty when anybody signed in may call. */
export function rolesFor(method: keyof Methods): readonly Role[] {
  return routes[method].roles ?? [];
}

/** Whether one of the roles may call the method. */
export function mayCall(method: keyof Methods, roles: readonly Role[]): boolean {
  const needed = rolesFor(method);
  return needed.length === 0 || needed.some((role) => roles.includes(role));
}

/** Whether the roles reach beyond their own organisation. */
export function isCityWide(roles: readonly Role[]): boolean {
  return roles.some((role) => cityWideRoles.includes(role));
}
