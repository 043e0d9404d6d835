import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Kind, KubeObject } from '../model/objects.ts';
import type { ObjectIndex } from '../model/store.ts';

/** The objects as they would be with one of them replaced, added, or, for null, taken away. Copies nothing. */
export function changedIndex(objects: ObjectIndex, ref: ObjectRef, object: KubeObject | null): ObjectIndex {
  const isIt = (kind: string, namespace: string, name: string): boolean =>
    kind === ref.kind && namespace === ref.namespace && name === ref.name;
  return {
    get: <K extends Kind>(kind: K, namespace: string, name: string) =>
      isIt(kind, namespace, name) ? ((object ?? undefined) as ObjectOf<K> | undefined) : objects.get(kind, namespace, name),
    list: <K extends Kind>(kind: K) => (kind === ref.kind ? replaced<K>(objects.list(kind)) : objects.list(kind)),
    slicesOf: (namespace, service) => objects.slicesOf(namespace, service),
  };

  function* replaced<K extends Kind>(those: Iterable<ObjectOf<K>>): Iterable<ObjectOf<K>> {
    for (const that of those) if (!isIt(that.kind, that.metadata.namespace, that.metadata.name)) yield that;
    if (object !== null) yield object as ObjectOf<K>;
  }
}

type ObjectOf<K extends Kind> = Extract<KubeObject, { readonly kind: K }>;
