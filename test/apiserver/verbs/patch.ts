import { badRequest, notFound, unsupportedMediaType } from '../apiError.ts';
import { isRecord, type KubeObject } from '../json.ts';
import { applyPatch } from '../patch/applyPatch.ts';
import { jsonPatch } from '../patch/jsonPatch.ts';
import { mergePatch } from '../patch/mergePatch.ts';
import { strategicMergePatch } from '../patch/strategicMergePatch.ts';
import { apiVersionOf, keyOf, present, versionOf } from '../resourceType.ts';
import { insert } from './create.ts';
import { decodeObject } from './decodeObject.ts';
import { timestamp, type Engine, type Target, type WriteOptions } from './engine.ts';
import { modify } from './update.ts';

/** Media types of a PATCH. */
export const PATCH_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** PATCH: the object as it is stored then, and whether that created it. Throws ApiError. */
export async function patch(
  engine: Engine, target: Target, request: { readonly mediaType: string; readonly body: unknown }, options: WriteOptions,
): Promise<{ readonly object: KubeObject; readonly created: boolean }> {
  const { mediaType, body } = request;
  const { type, version } = target;
  if (mediaType === PATCH_TYPES.apply) return await apply(engine, target, body, options);
  const schema = versionOf(type, version).schema ?? {};
  const change = (shown: KubeObject): unknown => {
    if (mediaType === PATCH_TYPES.json) return jsonPatch(shown, body);
    if (!isRecord(body)) throw badRequest('error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}');
    if (mediaType === PATCH_TYPES.merge) return mergePatch(shown, body);
    if (mediaType === PATCH_TYPES.strategic && !type.custom) return strategicMergePatch(shown, body, schema);
    throw unsupportedMediaType(mediaType, Object.values(PATCH_TYPES).filter((one) => one !== PATCH_TYPES.strategic || !type.custom));
  };
  const object = await modify(engine, target, (old) => {
    const patched = decodeObject(change(present(type, version, old)), target, options);
    return { object: patched, managed: false };
  }, options);
  return { object, created: false };
}

async function apply(
  engine: Engine, target: Target, body: unknown, options: WriteOptions,
): Promise<{ readonly object: KubeObject; readonly created: boolean }> {
  const { type, version } = target;
  if (!isRecord(body)) throw badRequest('error decoding YAML: an object is expected');
  if (body['apiVersion'] === undefined || body['kind'] === undefined) throw badRequest('invalid object type: /, Kind=');
  if (isRecord(body['metadata']) && Array.isArray(body['metadata']['managedFields']) && body['metadata']['managedFields'].length > 0) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const schema = versionOf(type, type.storageVersion).schema ?? {};
  const applied = decodeObject(body, target, options, false);
  const by = {
    manager: options.fieldManager, operation: 'Apply' as const, apiVersion: apiVersionOf(type, version),
    subresource: target.subresource, time: timestamp(engine.now()), force: options.force,
  };
  const merge = (old: KubeObject | null): KubeObject => {
    const merged = applyPatch(old, applied, schema, by);
    const { managedFields, resourceVersion: _stored } = merged.metadata;
    const shown = present(type, version, merged);
    const decoded = decodeObject(shown, target, { ...options, fieldValidation: 'Ignore' });
    const { managedFields: _dropped, resourceVersion: _version, ...metadata } = decoded.metadata;
    const wanted = applied.metadata.resourceVersion;
    return { ...decoded, metadata: { ...metadata, ...(managedFields === undefined ? {} : { managedFields }), ...(wanted === undefined ? {} : { resourceVersion: wanted }) } };
  };
  if (engine.storage.get(type.table, keyOf(type, target.namespace, target.name)) === undefined) {
    if (target.subresource !== '') throw notFound(type, target.name);
    return { object: await insert(engine, target, merge(null), { ...options, managed: true }), created: true };
  }
  return { object: await modify(engine, target, (old) => ({ object: merge(old), managed: true }), options), created: false };
}
