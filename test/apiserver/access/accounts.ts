import type { Caller } from '../verbs/engine.ts';

/** Groups a user is in by its name, besides those it is given. */
export function callerOf(name: string, groups: readonly string[] = []): Caller {
  const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name);
  const own = account === null ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`];
  return { name, groups: [...own, ...groups, 'system:authenticated'] };
}

/** The user that may do everything. */
export const ADMIN: Caller = callerOf('kubernetes-admin', ['system:masters']);

/** Who sends no credentials. */
export const ANONYMOUS: Caller = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
