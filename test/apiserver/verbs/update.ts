import { badRequest, conflict, invalid, notFound } from '../apiError.ts';
import { invalidValue } from '../fieldError.ts';
import { trackUpdate, withEntries } from '../fields/managedFields.ts';
import { same, type KubeObject, type ObjectMeta } from '../json.ts';
import { keyOf, versionOf } from '../resourceType.ts';
import { insert, managerOf } from './create.ts';
import { decodeObject } from './decodeObject.ts';
import type { Engine, Target, WriteOptions } from './engine.ts';
import { validateObject } from './validateObject.ts';

/** How often a write is tried again when another one came between. */
const MAX_TRIES = 5;

/** What a write makes of what is there; decoded, in stored form. Runs again when the object changed meanwhile. */
export type Change = (old: KubeObject) => { readonly object: KubeObject; readonly managed: boolean };

/** PUT: the object as it is stored then, and whether that created it. Throws ApiError. */
export async function update(
  engine: Engine, target: Target, body: unknown, options: WriteOptions,
): Promise<{ readonly object: KubeObject; readonly created: boolean }> {
  const { type } = target;
  const decoded = decodeObject(body, target, options);
  checkName(decoded.metadata, target);
  if (engine.storage.get(type.table, keyOf(type, target.namespace, target.name)) === undefined) {
    if (!type.createOnUpdate || target.subresource !== '') throw notFound(type, target.name);
    return { object: await insert(engine, target, decoded, options), created: true };
  }
  if (decoded.metadata.resourceVersion === undefined && !type.unconditionalUpdate) {
    // Here the server says the resource where it says the kind elsewhere.
    throw invalid({ ...type, kind: type.plural }, target.name, [invalidValue('metadata.resourceVersion', 0n, 'must be specified for an update')]);
  }
  const fresh = (): { object: KubeObject; managed: boolean } => ({ object: { ...decoded, metadata: { ...decoded.metadata } }, managed: false });
  return { object: await modify(engine, target, fresh, options), created: false };
}

function checkName(metadata: ObjectMeta, { type, namespace, name }: Target): void {
  if (metadata.name === '') throw badRequest(`the name of the object is missing (${name} on the URL)`);
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (!type.namespaced) return;
  metadata.namespace ??= namespace;
  if (metadata.namespace !== namespace) {
    throw badRequest(`the namespace of the object (${metadata.namespace}) does not match the namespace on the URL (${namespace})`);
  }
}

/** Changes an object that is there: the object as it is stored then. One that nothing holds any more is removed. */
export async function modify(engine: Engine, target: Target, change: Change, options: WriteOptions): Promise<KubeObject> {
  const { type } = target;
  const key = keyOf(type, target.namespace, target.name);
  for (let tries = 1; ; tries += 1) {
    const old = engine.storage.get(type.table, key);
    if (old === undefined) throw notFound(type, target.name);
    const next = prepare(engine, target, { old, ...change(old) }, options);
    await engine.admit({ target, operation: 'UPDATE', object: next, old, options });
    if (engine.storage.get(type.table, key) === old) return commit(engine, target, old, { next, dryRun: options.dryRun });
    if (tries === MAX_TRIES) throw conflict(type, target.name);
  }
}

function prepare(
  engine: Engine, target: Target, change: { old: KubeObject; object: KubeObject; managed: boolean }, options: WriteOptions,
): KubeObject {
  const { type, subresource } = target;
  const { old, managed } = change;
  let { object } = change;
  const { metadata } = object;
  if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== old.metadata.resourceVersion) throw conflict(type, target.name);
  if (metadata.uid !== undefined && metadata.uid !== old.metadata.uid) {
    throw conflict(type, target.name, `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.metadata.uid}`);
  }
  object = splitSubresource(object, old, target);
  inherit(object.metadata, old.metadata);
  const context = { storage: engine.storage, nowMs: engine.now(), subresource };
  type.strategy.prepare?.(object, old, context);
  if (type.hasGeneration) object.metadata.generation = (old.metadata.generation ?? 1) + (hasSpecChange(target, object, old) ? 1 : 0);
  validateObject(engine, target, object, old);
  if (managed) return object;
  const { schema } = versionOf(type, type.storageVersion);
  return withEntries(object, trackUpdate(old, object, schema ?? {}, managerOf(target, options, engine)));
}

function splitSubresource(object: KubeObject, old: KubeObject, { type, subresource }: Target): KubeObject {
  if (subresource === 'status') {
    const { status, metadata } = object;
    const kept = type.custom ? { ...old.metadata, managedFields: metadata.managedFields ?? [] } : { ...metadata };
    return { ...old, ...(status === undefined ? { status: undefined } : { status }), metadata: kept };
  }
  if (!type.hasStatus) return { ...object, metadata: { ...object.metadata } };
  const { status: _status, ...rest } = object;
  return { ...rest, metadata: { ...object.metadata }, ...(old['status'] === undefined ? {} : { status: old['status'] }) } as KubeObject;
}

const KEPT = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'generateName', 'resourceVersion'];

function inherit(metadata: ObjectMeta, old: ObjectMeta): void {
  for (const field of KEPT) {
    if (old[field] === undefined) delete metadata[field];
    else metadata[field] = old[field];
  }
}

function hasSpecChange({ type, subresource }: Target, object: KubeObject, old: KubeObject): boolean {
  if (subresource === 'status') return false;
  const bare = ({ metadata: _metadata, status, ...rest }: KubeObject): unknown => (type.hasStatus ? rest : { ...rest, status });
  return !same(bare(object), bare(old)) || (object.metadata.deletionTimestamp !== old.metadata.deletionTimestamp);
}

function commit(engine: Engine, target: Target, old: KubeObject, { next, dryRun }: { next: KubeObject; dryRun: boolean }): KubeObject {
  const { type } = target;
  const context = { storage: engine.storage, nowMs: engine.now(), subresource: target.subresource };
  const errors = type.strategy.allocate?.(next, old, context) ?? [];
  if (errors.length > 0) throw invalid(type, target.name, errors);
  if (dryRun || isUnchanged(next, old)) return dryRun ? next : old;
  const key = keyOf(type, target.namespace, target.name);
  const held = (next.metadata.finalizers ?? []).length > 0 || next['kind'] === 'Namespace';
  if (next.metadata.deletionTimestamp === undefined || held) return engine.storage.put(type.table, key, next);
  return engine.storage.remove(type.table, key) ?? next;
}

/** A write that changes nothing but times of managedFields is none. */
function isUnchanged(next: KubeObject, old: KubeObject): boolean {
  const bare = ({ metadata, ...rest }: KubeObject): unknown => {
    const entries = (metadata.managedFields ?? []).map(({ time: _time, ...entry }) => entry);
    return { ...rest, metadata: { ...metadata, managedFields: entries } };
  };
  return same(bare(next), bare(old));
}
