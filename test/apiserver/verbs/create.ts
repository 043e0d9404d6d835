import { randomUUID } from 'node:crypto';
import { alreadyExists, ApiError, badRequest, forbidden, invalid, notFound } from '../apiError.ts';
import { trackUpdate, withEntries } from '../fields/managedFields.ts';
import { at, type KubeObject } from '../json.ts';
import { generateName } from '../names.ts';
import { apiVersionOf, keyOf, versionOf } from '../resourceType.ts';
import { decodeObject } from './decodeObject.ts';
import { timestamp, type Engine, type Target, type WriteOptions } from './engine.ts';
import { validateObject } from './validateObject.ts';

/** POST of an object: what is stored then, in stored form. Throws ApiError. */
export async function create(engine: Engine, target: Target, body: unknown, options: WriteOptions): Promise<KubeObject> {
  return await insert(engine, target, decodeObject(body, target, options), options);
}

/** Stores a decoded object that is new. `managed`: its managedFields are already right (server-side apply). */
export async function insert(engine: Engine, target: Target, object: KubeObject, options: WriteOptions & { readonly managed?: boolean }): Promise<KubeObject> {
  const { type } = target;
  placeInNamespace(object, target);
  nameIt(object, target);
  const { metadata } = object;
  if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== '0') {
    throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
  }
  if (type.namespaced) checkNamespace(engine, target);
  if (type.hasStatus && !type.createsStatus) delete object['status'];
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.resourceVersion;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp(engine.now());
  if (type.hasGeneration) metadata.generation = 1;
  else delete metadata.generation;
  const context = { storage: engine.storage, nowMs: engine.now(), subresource: '' };
  type.strategy.prepare?.(object, null, context);
  validateObject(engine, target, object, null);
  const stored = options.managed === true ? object : withEntries(object, trackUpdate(null, object, versionOf(type, type.storageVersion).schema ?? {}, managerOf(target, options, engine)));
  await engine.admit({ target: { ...target, name: metadata.name }, operation: 'CREATE', object: stored, old: null, options });
  const key = keyOf(type, target.namespace, metadata.name);
  if (engine.storage.get(type.table, key) !== undefined) throw alreadyExists(type, metadata.name);
  if (type.namespaced) checkNamespace(engine, target);
  const errors = type.strategy.allocate?.(stored, null, context) ?? [];
  if (errors.length > 0) throw invalid(type, metadata.name, errors);
  return options.dryRun ? stored : engine.storage.put(type.table, key, stored);
}

/** Who changes fields by an update, for managedFields. */
export function managerOf(target: Target, options: WriteOptions, engine: Engine): {
  manager: string; operation: 'Update'; apiVersion: string; subresource: string; time: string;
} {
  const { fieldManager: manager } = options;
  const apiVersion = apiVersionOf(target.type, target.version);
  return { manager, operation: 'Update', apiVersion, subresource: target.subresource, time: timestamp(engine.now()) };
}

function placeInNamespace({ metadata }: KubeObject, { type, namespace }: Target): void {
  if (!type.namespaced) {
    if (metadata.namespace !== undefined) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    return;
  }
  metadata.namespace ??= namespace;
  if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

function nameIt({ metadata }: KubeObject, target: Target): void {
  if (target.name !== '' && metadata.name !== '' && metadata.name !== target.name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${target.name})`);
  }
  if (metadata.name === '') metadata.name = target.name;
  if (metadata.name === '' && metadata.generateName !== undefined) metadata.name = generateName(metadata.generateName);
}

function checkNamespace(engine: Engine, { type, namespace }: Target): void {
  const found = engine.storage.get('/namespaces', namespace);
  if (found === undefined) throw notFound({ group: '', plural: 'namespaces', kind: 'Namespace' }, namespace);
  if (found.metadata.deletionTimestamp === undefined && at(found, 'status', 'phase') !== 'Terminating') return;
  const causes = [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }];
  throw forbidden(type, '', `unable to create new content in namespace ${namespace} because it is being terminated`, causes);
}
