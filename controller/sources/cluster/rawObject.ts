import { apiVersionOf, type Resource } from '../../cluster/resources.ts';

/** An object as it came from the API server, and what says which one it is. */
export interface RawIdentity {
  /** `namespace/name`; begins with a slash for a cluster-scoped object. */
  readonly key: string;
  /** Empty when it has none. */
  readonly resourceVersion: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Null for what has no metadata.name: no API server sends that. */
export function identifyRaw(value: unknown): RawIdentity | null {
  if (!isRecord(value)) return null;
  const metadata = ownField(value, 'metadata');
  const name = ownField(metadata, 'name');
  if (typeof name !== 'string' || name === '') return null;
  const namespace = ownField(metadata, 'namespace');
  return { key: `${typeof namespace === 'string' ? namespace : ''}/${name}`, resourceVersion: versionOf(value), value };
}

/** `metadata.resourceVersion` of an object or a list; empty when there is none. */
export function versionOf(value: unknown): string {
  const version = ownField(ownField(value, 'metadata'), 'resourceVersion');
  return typeof version === 'string' ? version : '';
}

/** What kubectl apply keeps for itself: the whole object once more. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object for the decoder: with the type that items of a list leave out, without what only writers and kubectl look at. */
export function prepareRaw(
  { value }: RawIdentity,
  kind: { readonly kind: string; readonly resource: Resource },
): Readonly<Record<string, unknown>> {
  const { managedFields: _managed, annotations, ...metadata } = value['metadata'] as Record<string, unknown>;
  const kept = isRecord(annotations) ? withoutLastApplied(annotations) : annotations;
  return {
    ...value,
    apiVersion: apiVersionOf(kind.resource),
    kind: kind.kind,
    metadata: kept === undefined ? metadata : { ...metadata, annotations: kept },
  };
}

/** Own field of what may be no map. */
export function ownField(value: unknown, key: string): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function withoutLastApplied(annotations: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { [LAST_APPLIED]: _applied, ...kept } = annotations;
  return kept;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
