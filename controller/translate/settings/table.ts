import { CLIENT_SETTINGS } from './clientRows.ts';
import { PROTOCOL_SETTINGS } from './protocolRows.ts';
import { ROUTE_SETTINGS } from './routeRows.ts';
import type { AnySettingRow } from './row.ts';

/** Every ConfigMap key Gatehouse obeys, in the order of the documentation. */
export const SETTING_ROWS: readonly AnySettingRow[] = [
  ...Object.values(CLIENT_SETTINGS),
  ...Object.values(PROTOCOL_SETTINGS),
  ...Object.values(ROUTE_SETTINGS),
];

/** key → row. */
export const SETTINGS: ReadonlyMap<string, AnySettingRow> = new Map(SETTING_ROWS.map((row) => [row.key, row]));

/** Keys that restrict access for everybody and are not supported yet: while one is set, every Ingress answers 503. */
export const DENYING_SETTINGS: ReadonlySet<string> = new Set([
  'global-auth-url',
  'whitelist-source-range',
  'denylist-source-range',
  'block-cidrs',
  'block-user-agents',
  'block-referers',
]);
