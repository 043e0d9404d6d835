import { at, record, records, text, type KubeObject } from '../json.ts';
import { keyOf } from '../resourceType.ts';
import { timestamp, type Engine } from '../verbs/engine.ts';
import { customType } from './customType.ts';
import { CRD_TYPE } from './crdType.ts';

/**
 * Serves the kinds that CustomResourceDefinitions describe, says so in their status, and removes the objects of one that goes.
 * Works off the storage's own events, so it needs no end.
 */
export function followDefinitions(engine: Engine): void {
  engine.storage.subscribe(CRD_TYPE.table, (event) => {
    if (event.type === 'DELETED') withdraw(engine, event.object);
    else establish(engine, event.object);
  });
}

function establish(engine: Engine, crd: KubeObject): void {
  const type = customType(crd);
  engine.registry.set(type);
  const isCurrent = at(crd, 'status', 'acceptedNames', 'plural') === type.plural && records(at(crd, 'status', 'conditions')).length > 0;
  const stored = new Set([...((at(crd, 'status', 'storedVersions') ?? []) as string[]), type.storageVersion]);
  const hasAll = (at(crd, 'status', 'storedVersions') as string[] | undefined)?.length === stored.size;
  if (isCurrent && hasAll) return;
  const lastTransitionTime = timestamp(engine.now());
  const condition = (name: string, reason: string, message: string): object => ({ type: name, status: 'True', lastTransitionTime, reason, message });
  const status = {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: record(at(crd, 'spec', 'names')), storedVersions: [...stored],
  };
  const { uid } = crd.metadata;
  // After the change is known to all: the status is a change of its own.
  queueMicrotask(() => {
    const now = engine.storage.get(CRD_TYPE.table, crd.metadata.name);
    if (now !== undefined && now.metadata.uid === uid) engine.storage.put(CRD_TYPE.table, crd.metadata.name, { ...now, status });
  });
}

function withdraw(engine: Engine, crd: KubeObject): void {
  const type = engine.registry.find(text(at(crd, 'spec', 'group')), text(at(crd, 'status', 'storedVersions', '0')) || customType(crd).storageVersion, text(at(crd, 'spec', 'names', 'plural')));
  if (type === undefined) return;
  for (const { metadata } of engine.storage.list(type.table, '')) {
    engine.storage.remove(type.table, keyOf(type, metadata.namespace ?? '', metadata.name));
  }
  engine.registry.delete(type);
}
