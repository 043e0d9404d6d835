import { CLIENT_SETTINGS } from './clientRows.ts';
import { ROUTE_SETTINGS } from './routeRows.ts';
import type { AnySettingRow } from './row.ts';

/** key → row, for every ConfigMap key Gatehouse obeys. */
export const SETTINGS: ReadonlyMap<string, AnySettingRow> = new Map(
  [...Object.values(CLIENT_SETTINGS), ...Object.values(ROUTE_SETTINGS)].map((row) => [row.key, row]),
);

/** Keys that restrict access for everybody and are not supported yet: while one is set, every Ingress answers 503. */
export const DENYING_SETTINGS: ReadonlySet<string> = new Set([
  'global-auth-url',
  'whitelist-source-range',
  'denylist-source-range',
  'block-cidrs',
  'block-user-agents',
  'block-referers',
]);
