import type { ObjectBase } from '../model/objectBase.ts';

/**
 * Order in which objects claim things: oldest first; one without creationTimestamp (manifest files) counts as youngest;
 * equals by namespace, then name. The same on every node, whatever order objects came in.
 */
export function compareAge(a: ObjectBase, b: ObjectBase): number {
  const byTime = (a.metadata.createdAtMs ?? Number.MAX_VALUE) - (b.metadata.createdAtMs ?? Number.MAX_VALUE);
  if (byTime !== 0) return byTime;
  return compareText(a.metadata.namespace, b.metadata.namespace) || compareText(a.metadata.name, b.metadata.name);
}

/** By UTF-16 code units: independent of locale, and fast. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
