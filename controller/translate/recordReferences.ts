import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Kind } from '../model/objects.ts';
import type { ObjectIndex } from '../model/store.ts';
import { compareText } from './ingressAge.ts';

/** Kinds that a cluster is asked for by name only: nobody needs to read all Secrets of a cluster to serve some of them. */
export const KINDS_READ_BY_NAME: readonly Kind[] = ['Secret', 'ConfigMap'];

/** An index that remembers which objects of those kinds were looked for, whether they are there or not. */
export function recordReferences(objects: ObjectIndex): { readonly index: ObjectIndex; readonly references: () => readonly ObjectRef[] } {
  const seen = new Map<string, ObjectRef>();
  const index: ObjectIndex = {
    get(kind, namespace, name) {
      if (KINDS_READ_BY_NAME.includes(kind)) seen.set(`${kind}/${namespace}/${name}`, { kind, namespace, name });
      return objects.get(kind, namespace, name);
    },
    list: (kind) => objects.list(kind),
    slicesOf: (namespace, service) => objects.slicesOf(namespace, service),
  };
  const references = (): readonly ObjectRef[] => [...seen].toSorted(([a], [b]) => compareText(a, b)).map(([, ref]) => ref);
  return { index, references };
}
