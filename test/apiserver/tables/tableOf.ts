import type { JsonObject, KubeObject } from '../json.ts';
import type { Column } from '../resourceType.ts';

/** Objects as a Table (meta.k8s.io/v1); `include` says what each row carries of its object. */
export function tableOf(
  columns: readonly Column[], objects: readonly KubeObject[],
  { include, metadata, nowMs, withColumns }: { readonly include: string; readonly metadata: JsonObject; readonly nowMs: number; readonly withColumns: boolean },
): JsonObject {
  const definitions = columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({ name, type, format, description, priority }));
  const rows = objects.map((object) => ({ cells: columns.map((of) => of.cell(object, nowMs) ?? null), ...rowObject(object, include) }));
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: withColumns ? definitions : null, rows };
}

function rowObject(object: KubeObject, include: string): JsonObject {
  if (include === 'None') return {};
  return { object: include === 'Object' ? object : partialOf(object) };
}

/** Only the metadata of an object (meta.k8s.io/v1 PartialObjectMetadata). */
export function partialOf(object: KubeObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
