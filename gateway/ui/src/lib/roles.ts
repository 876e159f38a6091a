// Who may do what, from the contract's own rules.
import type { Role } from '../api/contract/access';
import { routes, type Methods } from '../api/contract/routes';

/** Roles that reach the rows of every organisation. */
export const cityWideRoles: readonly Role[] = ['ROLE_PLATFORM_OPERATOR', 'ROLE_SUPERVISION_OFFICE', 'ROLE_AUDITOR'];

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
