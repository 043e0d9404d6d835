import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, methodNotAllowed } from '../apiError.ts';
import { text, record, type JsonObject, type KubeObject } from '../json.ts';
import { apiVersionOf, present, versionOf } from '../resourceType.ts';
import { partialOf, tableOf } from '../tables/tableOf.ts';
import { create } from '../verbs/create.ts';
import type { Caller, Engine, Target, WriteOptions } from '../verbs/engine.ts';
import { listObjects, selectorOf, prefixOf, type ListOptions, type ListPage } from '../verbs/listObjects.ts';
import { patch } from '../verbs/patch.ts';
import { remove, type Removal } from '../verbs/remove.ts';
import { update } from '../verbs/update.ts';
import { notFound } from '../apiError.ts';
import { keyOf } from '../resourceType.ts';
import { negotiate, type Form } from './negotiate.ts';
import { mediaTypeOf, parseBody, readBody } from './readBody.ts';
import { jsonOf, respond } from './respond.ts';

/** One authorized request for a resource. */
export interface ResourceRequest {
  readonly engine: Engine;
  readonly target: Target;
  readonly verb: string;
  readonly caller: Caller;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Query of a list or watch. Throws 400. */
export function listOptionsOf(query: URLSearchParams): ListOptions {
  const flag = (name: string): boolean => ['1', 'true', 'True', 'TRUE', 't', 'T'].includes(query.get(name) ?? '');
  const number = (name: string): number => {
    const value = query.get(name) ?? '';
    if (value !== '' && !/^-?\d{1,15}$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
    return Number(value);
  };
  return {
    labelSelector: query.get('labelSelector') ?? '', fieldSelector: query.get('fieldSelector') ?? '', limit: number('limit'),
    continue: query.get('continue') ?? '', resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '', watch: flag('watch'), allowWatchBookmarks: flag('allowWatchBookmarks'),
    timeoutSeconds: number('timeoutSeconds'), sendInitialEvents: query.has('sendInitialEvents') ? flag('sendInitialEvents') : null,
  };
}

/** Answers everything but watches. Throws ApiError. */
export async function answerResource(resource: ResourceRequest): Promise<void> {
  const { verb, query, request, response, engine, target } = resource;
  const form = negotiate(request.headers.accept ?? '');
  const body = parseBodyOf(await readBody(request), request, verb);
  const options = writeOptions(resource);
  let status = 200;
  let result: object;
  switch (verb) {
    case 'get':
      result = await shown(resource, form, read(engine, target));
      break;
    case 'list':
      result = listAnswer(resource, form, listObjects(engine, target, listOptionsOf(query)));
      break;
    case 'create':
      status = 201;
      result = await shown(resource, form, await create(engine, target, body, options));
      break;
    case 'update':
    case 'patch': {
      const written = verb === 'update' ? await update(engine, target, body, options)
        : await patch(engine, target, { mediaType: mediaTypeOf(request), body }, options);
      status = written.created ? 201 : 200;
      result = await shown(resource, form, written.object);
      break;
    }
    case 'delete':
      result = removalAnswer(resource, await remove(engine, target, body, withDryRun(options, body)));
      break;
    case 'deletecollection':
      result = await removeAll(resource, body, withDryRun(options, body));
      break;
    default:
      throw methodNotAllowed();
  }
  await respond(request, response, { status, text: jsonOf(result), encoding: form.encoding });
}

function parseBodyOf(body: Buffer, request: IncomingMessage, verb: string): unknown {
  if (verb === 'get' || verb === 'list') return undefined;
  const type = mediaTypeOf(request);
  return parseBody(body, type);
}

function withDryRun(options: WriteOptions, body: unknown): WriteOptions {
  const wanted = record(body)['dryRun'];
  return Array.isArray(wanted) && wanted.includes('All') ? { ...options, dryRun: true } : options;
}

function writeOptions({ query, request, response, caller }: ResourceRequest): WriteOptions {
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((value) => value !== 'All')) throw badRequest(`Invalid value: ${JSON.stringify(dryRun)}: dryRun: Unsupported value: ${JSON.stringify(dryRun[0])}: supported values: "All"`);
  const validation = query.get('fieldValidation');
  const warnings: string[] = [];
  const manager = query.get('fieldManager') ?? '';
  if (mediaTypeOf(request) === 'application/apply-patch+yaml' && manager === '') {
    throw badRequest('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch');
  }
  return {
    caller, dryRun: dryRun.length > 0, force: query.get('force') === 'true',
    fieldManager: manager === '' ? ((request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown') : manager,
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    warn(text) {
      // Go writes the octets of UTF-8 into a header as they are.
      warnings.push(Buffer.from(`299 - ${JSON.stringify(text)}`).toString('latin1'));
      response.setHeader('Warning', warnings);
    },
  };
}

/** The stored object a request names. Throws 404. */
export function read(engine: Engine, { type, namespace, name }: Target): KubeObject {
  const object = engine.storage.get(type.table, keyOf(type, namespace, name));
  if (object === undefined) throw notFound(type, name);
  return object;
}

async function shown({ engine, target, query }: ResourceRequest, form: Form, stored: KubeObject): Promise<object> {
  const object = present(target.type, target.version, stored);
  if (form.as === 'metadata') return partialOf(object);
  if (form.as === 'object') return object;
  const { columns } = versionOf(target.type, target.version);
  const metadata = { resourceVersion: object.metadata.resourceVersion };
  return tableOf(columns, [object], { include: query.get('includeObject') ?? 'Metadata', metadata, nowMs: engine.now(), withColumns: true });
}

function listAnswer({ engine, target, query }: ResourceRequest, form: Form, page: ListPage): object {
  const metadata: JsonObject = {
    resourceVersion: page.resourceVersion, ...(page.continue === '' ? {} : { continue: page.continue }),
    ...(page.remaining === null ? {} : { remainingItemCount: page.remaining }),
  };
  const { type, version } = target;
  if (form.as === 'table') {
    const { columns } = versionOf(type, version);
    return tableOf(columns, page.items, { include: query.get('includeObject') ?? 'Metadata', metadata, nowMs: engine.now(), withColumns: true });
  }
  if (form.as === 'metadata') {
    return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: page.items.map(partialOf) };
  }
  // Items of typed lists carry neither apiVersion nor kind; those of custom resources do.
  const items = type.custom ? page.items : page.items.map(withoutKind);
  return { kind: type.listKind, apiVersion: apiVersionOf(type, version), metadata, items };
}

const bare = new WeakMap<KubeObject, object>();

function withoutKind(object: KubeObject): object {
  let result = bare.get(object);
  if (result === undefined) {
    const { apiVersion: _version, kind: _kind, ...rest } = object;
    result = rest;
    bare.set(object, result);
  }
  return result;
}

function removalAnswer({ target }: ResourceRequest, removal: Removal): object {
  const { type } = target;
  if (removal.type === 'held') return present(type, target.version, removal.object);
  const details = { name: target.name, ...(type.group === '' ? {} : { group: type.group }), kind: type.plural, uid: text(removal.object.metadata.uid) };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

async function removeAll({ engine, target, query }: ResourceRequest, body: unknown, options: WriteOptions): Promise<object> {
  const { type, version } = target;
  const selector = selectorOf(target, listOptionsOf(query));
  const chosen = engine.storage.list(type.table, prefixOf(target)).filter(selector);
  for (const { metadata } of chosen) {
    await remove(engine, { ...target, namespace: metadata.namespace ?? '', name: metadata.name }, body, options);
  }
  const metadata = { resourceVersion: String(engine.storage.revision()) };
  return { kind: type.listKind, apiVersion: apiVersionOf(type, version), metadata, items: chosen.map(withoutKind) };
}
