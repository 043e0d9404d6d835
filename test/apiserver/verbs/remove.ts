import { conflict, notFound } from '../apiError.ts';
import { record, text, type JsonObject, type KubeObject } from '../json.ts';
import { keyOf } from '../resourceType.ts';
import { timestamp, type Engine, type Target, type WriteOptions } from './engine.ts';

/** What is left of an object after DELETE. */
export type Removal =
  | { readonly type: 'removed'; readonly object: KubeObject }
  /** Finalizers hold it; it has a deletionTimestamp now. */
  | { readonly type: 'held'; readonly object: KubeObject };

/** DELETE of one object; `body` is its DeleteOptions. Throws ApiError. */
export async function remove(engine: Engine, target: Target, body: unknown, options: WriteOptions): Promise<Removal> {
  const { type } = target;
  const key = keyOf(type, target.namespace, target.name);
  const before = engine.storage.get(type.table, key);
  if (before === undefined) throw notFound(type, target.name);
  checkPreconditions(before, target, record(record(body)['preconditions']));
  await engine.admit({ target, operation: 'DELETE', object: null, old: before, options });
  const object = engine.storage.get(type.table, key);
  if (object === undefined) throw notFound(type, target.name);
  checkPreconditions(object, target, record(record(body)['preconditions']));
  const finalizers = finalizersOf(object, text(record(body)['propagationPolicy']));
  if (finalizers.length === 0 && type.kind !== 'Namespace') {
    if (options.dryRun) return { type: 'removed', object };
    return { type: 'removed', object: engine.storage.remove(type.table, key) ?? object };
  }
  if (object.metadata.deletionTimestamp !== undefined) return { type: 'held', object };
  const marked = mark(object, finalizers, engine.now());
  return { type: 'held', object: options.dryRun ? marked : engine.storage.put(type.table, key, marked) };
}

function checkPreconditions({ metadata }: KubeObject, { type, name }: Target, { uid, resourceVersion }: JsonObject): void {
  const fault = (field: string, wanted: unknown, found: unknown): never => {
    throw conflict(type, name, `Precondition failed: ${field} in precondition: ${text(wanted)}, ${field} in object meta: ${text(found)}`);
  };
  if (uid !== undefined && uid !== null && uid !== metadata.uid) fault('UID', uid, metadata.uid);
  if (resourceVersion !== undefined && resourceVersion !== null && resourceVersion !== metadata.resourceVersion) {
    fault('ResourceVersion', resourceVersion, metadata.resourceVersion);
  }
}

function finalizersOf({ metadata }: KubeObject, propagationPolicy: string): string[] {
  const present = (metadata.finalizers ?? []).filter((one) => one !== 'orphan' && one !== 'foregroundDeletion');
  if (propagationPolicy === 'Orphan') return [...present, 'orphan'];
  if (propagationPolicy === 'Foreground') return [...present, 'foregroundDeletion'];
  return present;
}

function mark(object: KubeObject, finalizers: string[], nowMs: number): KubeObject {
  const { generation } = object.metadata;
  const metadata = {
    ...object.metadata, ...(finalizers.length === 0 ? {} : { finalizers }), deletionTimestamp: timestamp(nowMs), deletionGracePeriodSeconds: 0,
    ...(generation === undefined ? {} : { generation: generation + 1 }),
  };
  const marked: KubeObject = { ...object, metadata };
  if (object.kind === 'Namespace') {
    delete marked.metadata.deletionGracePeriodSeconds;
    marked['status'] = { ...record(object['status']), phase: 'Terminating' };
  }
  return marked;
}
