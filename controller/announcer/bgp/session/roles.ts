import type { BgpRole } from '../bgpWanted.ts';

/** Values of the BGP Role capability (RFC 9234 section 4.1). */
const ROLES: readonly BgpRole[] = ['provider', 'route-server', 'route-server-client', 'customer', 'peer'];

/** Roles that fit each other (RFC 9234 section 4.2). */
const COUNTERPARTS: Readonly<Record<BgpRole, BgpRole>> = {
  'provider': 'customer',
  'customer': 'provider',
  'route-server': 'route-server-client',
  'route-server-client': 'route-server',
  'peer': 'peer',
};

/** Its number on the wire. */
export function roleNumber(role: BgpRole): number {
  return ROLES.indexOf(role);
}

/** In words; `role 9` for one that nobody knows. */
export function roleName(role: number): string {
  return ROLES[role] ?? `role ${role}`;
}

/** The only role that a peer of this one may have. */
export function counterpart(role: BgpRole): BgpRole {
  return COUNTERPARTS[role];
}
