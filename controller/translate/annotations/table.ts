import { AFFINITY } from './affinityRows.ts';
import { BACKEND_TLS, TRANSPORT } from './backendTlsRows.ts';
import { BALANCE } from './balanceRows.ts';
import { CANARY } from './canaryRows.ts';
import { CLIENT_AUTH, PASSTHROUGH } from './clientTlsRows.ts';
import { PROXY, REDIRECT } from './routeRows.ts';
import type { AnyAnnotationRow } from './row.ts';

/** Rows under one heading of docs/annotations.md. */
export interface AnnotationGroup {
  readonly title: string;
  readonly rows: readonly AnyAnnotationRow[];
}

/** Every annotation Gatehouse obeys. */
export const ANNOTATION_GROUPS: readonly AnnotationGroup[] = [
  { title: 'Canary', rows: Object.values(CANARY) },
  { title: 'Load balancing', rows: Object.values(BALANCE) },
  { title: 'Cookie affinity', rows: Object.values(AFFINITY) },
  { title: 'HTTPS redirect', rows: Object.values(REDIRECT) },
  { title: 'Proxying', rows: Object.values(PROXY) },
  { title: 'Protocol and TLS of backends', rows: [...Object.values(TRANSPORT), ...Object.values(BACKEND_TLS)] },
  { title: 'Client certificates', rows: Object.values(CLIENT_AUTH) },
  { title: 'TLS passthrough', rows: Object.values(PASSTHROUGH) },
];

/** name without prefix → row. */
export const ANNOTATIONS: ReadonlyMap<string, AnyAnnotationRow> = new Map(
  ANNOTATION_GROUPS.flatMap((group) => group.rows).map((row) => [row.name, row]),
);
