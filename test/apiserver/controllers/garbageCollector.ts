import { record, text, type KubeObject } from '../json.ts';
import { keyOf, type ResourceType } from '../resourceType.ts';
import type { Engine } from '../verbs/engine.ts';
import { timestamp } from '../verbs/engine.ts';

/**
 * What kube-controller-manager does about deletions: objects whose owners are all gone, contents of Namespaces that end, and the
 * finalizers of `propagationPolicy`. Runs right after each deletion, in a microtask.
 */
export function followDeletions(engine: Engine): (type: ResourceType) => void {
  const followed = new Set<string>();
  const follow = (type: ResourceType): void => {
    if (followed.has(type.table)) return;
    followed.add(type.table);
    engine.storage.subscribe(type.table, (event) => {
      if (event.type === 'DELETED') queueMicrotask(() => dropDependents(engine, event.object));
      else if (event.object.metadata.deletionTimestamp !== undefined) queueMicrotask(() => finish(engine, type, event.key));
    });
  };
  for (const type of engine.registry.all()) follow(type);
  return follow;
}

function everything(engine: Engine): { type: ResourceType; object: KubeObject }[] {
  const seen = new Set<string>();
  return engine.registry.all().filter(({ table }) => !seen.has(table) && seen.add(table).size > 0)
    .flatMap((type) => engine.storage.list(type.table, '').map((object) => ({ type, object })));
}

function ownerUids({ metadata }: KubeObject): string[] {
  return (metadata.ownerReferences ?? []).map((reference) => text(record(reference)['uid']));
}

function dropDependents(engine: Engine, owner: KubeObject): void {
  const uid = text(owner.metadata.uid);
  const all = everything(engine);
  const alive = new Set(all.map(({ object }) => text(object.metadata.uid)));
  for (const { type, object } of all) {
    const owners = ownerUids(object);
    if (owners.includes(uid) && !owners.some((one) => alive.has(one))) drop(engine, type, object);
  }
}

function drop(engine: Engine, type: ResourceType, object: KubeObject): void {
  const key = keyOf(type, object.metadata.namespace ?? '', object.metadata.name);
  if ((object.metadata.finalizers ?? []).length === 0 && type.kind !== 'Namespace') engine.storage.remove(type.table, key);
  else if (object.metadata.deletionTimestamp === undefined) {
    engine.storage.put(type.table, key, { ...object, metadata: { ...object.metadata, deletionTimestamp: timestamp(engine.now()), deletionGracePeriodSeconds: 0 } });
  }
}

function finish(engine: Engine, type: ResourceType, key: string): void {
  const object = engine.storage.get(type.table, key);
  if (object === undefined) return;
  if (type.kind === 'Namespace') {
    const contents = everything(engine).filter((one) => one.object.metadata.namespace === object.metadata.name && one.type.namespaced);
    for (const one of contents) drop(engine, one.type, one.object);
    const isEmpty = !everything(engine).some((one) => one.type.namespaced && one.object.metadata.namespace === object.metadata.name);
    if (isEmpty && (object.metadata.finalizers ?? []).length === 0) engine.storage.remove(type.table, key);
    return;
  }
  const finalizers = object.metadata.finalizers ?? [];
  const left = finalizers.filter((one) => one !== 'orphan' && one !== 'foregroundDeletion');
  if (left.length === finalizers.length) return;
  if (finalizers.includes('orphan')) orphan(engine, text(object.metadata.uid));
  if (left.length === 0) engine.storage.remove(type.table, key);
  else engine.storage.put(type.table, key, { ...object, metadata: { ...object.metadata, finalizers: left } });
}

function orphan(engine: Engine, uid: string): void {
  for (const { type, object } of everything(engine)) {
    if (!ownerUids(object).includes(uid)) continue;
    const ownerReferences = (object.metadata.ownerReferences ?? []).filter((reference) => record(reference)['uid'] !== uid);
    const metadata = { ...object.metadata, ownerReferences };
    engine.storage.put(type.table, keyOf(type, metadata.namespace ?? '', metadata.name), { ...object, metadata });
  }
}
