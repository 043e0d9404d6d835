import { badRequest } from '../apiError.ts';
import { fieldErrorText } from '../fieldError.ts';
import { copy, isRecord, record, text, type JsonObject, type KubeObject } from '../json.ts';
import { apiVersionOf, versionOf } from '../resourceType.ts';
import { applyDefaults, dropNulls } from '../schema/applyDefaults.ts';
import { prune } from '../schema/prune.ts';
import { METADATA_SCHEMA } from '../schema/schema.ts';
import { validate } from '../schema/validate.ts';
import type { Target, WriteOptions } from './engine.ts';

/**
 * An object as a client sent it, or as a patch left it, in the form it is stored in: pruned, with defaults, types checked. Throws
 * 400 for what cannot be decoded. `defaults` false: as it is, for server-side apply.
 */
export function decodeObject(body: unknown, target: Target, options: WriteOptions, defaults = true): KubeObject {
  const { type, version } = target;
  const of = versionOf(type, version);
  const object = withKind(body, target);
  const unknown: string[] = [];
  const pruned = (of.schema === null ? object : prune(object, of.schema, unknown)) as KubeObject;
  reportUnknown(unknown, options);
  const cleaned = (type.custom ? pruned : withoutNulls(pruned)) as KubeObject;
  cleaned.metadata = metadataOf(cleaned, target);
  if (!type.custom) checkTypes(cleaned, target);
  else if (of.schema !== null && defaults) dropNulls(cleaned, of.schema);
  if (defaults && of.schema !== null) applyDefaults(cleaned, of.schema);
  const stored = of.toStored === undefined ? { ...cleaned, apiVersion: apiVersionOf(type, type.storageVersion) } : of.toStored(cleaned);
  if (defaults) type.strategy.setDefaults?.(stored);
  return stored;
}

function withKind(body: unknown, { type, version }: Target): JsonObject {
  if (!isRecord(body)) throw badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${JSON.stringify(body)?.slice(0, 20)} into Go value`);
  const apiVersion = apiVersionOf(type, version);
  const kind = text(body['kind']);
  const bodyVersion = text(body['apiVersion']);
  if (type.custom && kind === '') throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(body).slice(0, 200)}'`);
  if (kind !== '' && kind !== type.kind) {
    throw badRequest(`${kind} in version "${bodyVersion}" cannot be handled as a ${type.kind}: no kind "${kind}" is registered for version "${apiVersion}"`);
  }
  if (bodyVersion !== '' && bodyVersion !== apiVersion) {
    throw badRequest(`the API version in the data (${bodyVersion}) does not match the expected API version (${apiVersion})`);
  }
  const { kind: _kind, apiVersion: _version, metadata, ...rest } = body;
  return { kind: type.kind, apiVersion, metadata, ...rest };
}

function reportUnknown(unknown: readonly string[], options: WriteOptions): void {
  if (unknown.length === 0) return;
  const texts = unknown.map((field) => `unknown field "${field}"`);
  if (options.fieldValidation === 'Strict') throw badRequest(`strict decoding error: ${texts.join(', ')}`);
  if (options.fieldValidation === 'Warn') for (const one of texts) options.warn(one);
}

/** Go leaves out what is null; so does everything that is decoded into Go types. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([field, inner]) => [field, withoutNulls(inner)]));
}

const EMPTY_IS_ABSENT = ['labels', 'annotations', 'finalizers', 'ownerReferences', 'creationTimestamp', 'deletionTimestamp', 'namespace',
  'generateName', 'uid', 'resourceVersion', 'selfLink'];

function metadataOf(object: JsonObject, target: Target): KubeObject['metadata'] {
  const metadata = withoutNulls(prune(copy(record(object['metadata'])), METADATA_SCHEMA)) as KubeObject['metadata'];
  for (const field of EMPTY_IS_ABSENT) {
    const value = metadata[field];
    if (value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)) delete metadata[field];
  }
  delete metadata['selfLink'];
  const [fault] = validate(metadata, METADATA_SCHEMA, 'metadata');
  if (fault !== undefined) {
    throw badRequest(`${target.type.kind} in version "${target.version}" cannot be handled as a ${target.type.kind}: json: cannot unmarshal ${String(fault.value)} into Go struct field ObjectMeta.${fault.field}`);
  }
  metadata.name ??= '';
  return metadata;
}

function checkTypes(object: KubeObject, { type, version }: Target): void {
  const { schema } = versionOf(type, version);
  if (schema === null) return;
  const fault = validate(object, schema).find(({ rule }) => rule === 'type');
  if (fault === undefined) return;
  const what = `json: cannot unmarshal ${String(fault.value)} into Go struct field ${type.kind}.${fault.field} (${fieldErrorText(fault)})`;
  throw badRequest(`${type.kind} in version "${version}" cannot be handled as a ${type.kind}: ${what}`);
}
