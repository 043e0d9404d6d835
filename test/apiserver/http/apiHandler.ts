import type { IncomingMessage, ServerResponse } from 'node:http';
import { isAllowed, refusalText, type Attributes } from '../access/authorizer.ts';
import { ANONYMOUS } from '../access/accounts.ts';
import { ApiError, forbidden, methodNotAllowed, noSuchResource, statusOf } from '../apiError.ts';
import { discoveryAnswer } from '../discovery/discovery.ts';
import type { FaultState } from '../faults.ts';
import { record } from '../json.ts';
import { answerReview, isReview } from '../access/reviews.ts';
import type { Caller, Engine } from '../verbs/engine.ts';
import { selectedName } from '../verbs/listObjects.ts';
import { requestInfo, type RequestInfo } from './requestInfo.ts';
import { answerResource, listOptionsOf, type ResourceRequest } from './resourceRequest.ts';
import { jsonOf, respond } from './respond.ts';
import { answerWatch, goneStatusOf, type WatchStreams } from './watchStream.ts';

/** One line of the request log. */
export interface LoggedRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly verb: string;
  /** Empty for paths that are no resource. */
  readonly resource: string;
  readonly group: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: string;
  readonly status: number;
}

/** What the handler works with. */
export interface HandlerOptions {
  readonly engine: Engine;
  readonly faults: FaultState;
  readonly streams: Omit<WatchStreams, 'answered'>;
  /** RBAC is enforced. */
  readonly rbac: boolean;
  /** Bearer token → caller. */
  readonly tokens: ReadonlyMap<string, Caller>;
  readonly log: (request: LoggedRequest) => void;
}

type Resource = Extract<RequestInfo, { type: 'resource' }>;

/** Answers one request, whatever comes. */
export async function handleRequest(options: HandlerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://server');
  const entry = { method: request.method ?? 'GET', path: request.url ?? '/', verb: '', resource: '', group: '', subresource: '', namespace: '', name: '', user: '' };
  let isLogged = false;
  const log = (): void => {
    if (!isLogged) options.log({ ...entry, status: response.statusCode });
    isLogged = true;
  };
  response.setHeader('Audit-Id', crypto.randomUUID());
  try {
    const info = infoOf(url.pathname);
    const verb = verbOf(request.method ?? 'GET', info, url.searchParams);
    Object.assign(entry, { verb }, info.type === 'resource' ? { ...info, resource: info.plural } : {});
    await options.faults.before({ method: entry.method, path: entry.path, verb, resource: entry.resource });
    const caller = authenticate(request, options.tokens);
    entry.user = caller.name;
    authorize(options, caller, { info, verb, query: url.searchParams });
    await answer({ options, info, verb, caller, query: url.searchParams, request, response, log });
  } catch (error) {
    await answerError(request, response, error);
  }
  log();
}

function infoOf(pathname: string): RequestInfo {
  try {
    return requestInfo(pathname);
  } catch (error) {
    if (error instanceof URIError) throw new ApiError(400, 'BadRequest', 'invalid URL escape');
    throw error;
  }
}

function verbOf(method: string, info: RequestInfo, query: URLSearchParams): string {
  if (info.type === 'other') return method.toLowerCase();
  const hasName = info.name !== '';
  switch (method) {
    case 'POST': return 'create';
    case 'PUT': return 'update';
    case 'PATCH': return 'patch';
    case 'DELETE': return hasName ? 'delete' : 'deletecollection';
    case 'GET': {
      const watches = ['1', 'true'].includes(query.get('watch') ?? '');
      return watches ? 'watch' : hasName ? 'get' : 'list';
    }
    default: throw methodNotAllowed();
  }
}

function authenticate(request: IncomingMessage, tokens: ReadonlyMap<string, Caller>): Caller {
  const header = request.headers.authorization;
  if (header === undefined) return ANONYMOUS;
  const caller = tokens.get(header.replace(/^Bearer\s+/i, ''));
  if (caller === undefined) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
  return caller;
}

interface Asked {
  readonly info: RequestInfo;
  readonly verb: string;
  readonly query: URLSearchParams;
}

function authorize({ engine, rbac }: HandlerOptions, caller: Caller, { info, verb, query }: Asked): void {
  if (!rbac) return;
  const attributes = attributesOf(info, verb, query);
  if (isAllowed(engine.storage, caller, attributes)) return;
  if (attributes.type === 'path') {
    throw new ApiError(403, 'Forbidden', `forbidden: ${refusalText(caller, attributes)}`, {});
  }
  const subject = { group: attributes.group, plural: attributes.resource, kind: attributes.resource };
  throw forbidden(subject, attributes.name, refusalText(caller, attributes));
}

function attributesOf(info: RequestInfo, verb: string, query: URLSearchParams): Attributes {
  if (info.type === 'other') return { type: 'path', verb, path: info.path };
  const { group, plural: resource, subresource, namespace } = info;
  const byField = info.name === '' && ['list', 'watch', 'deletecollection'].includes(verb) ? nameFrom(query) : '';
  return { type: 'resource', verb, group, resource, subresource, namespace, name: info.name === '' ? byField : info.name };
}

function nameFrom(query: URLSearchParams): string {
  try {
    return selectedName(query.get('fieldSelector') ?? '');
  } catch {
    return '';
  }
}

interface Answering extends Asked {
  readonly options: HandlerOptions;
  readonly caller: Caller;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly log: () => void;
}

async function answer({ options, info, verb, caller, query, request, response, log }: Answering): Promise<void> {
  const { engine } = options;
  if (info.type === 'other') {
    const found = discoveryAnswer(engine.registry, info.path, request.headers.accept ?? '');
    if (found === null || request.method !== 'GET') throw noSuchResource();
    return await send(request, response, found);
  }
  if (isReview(info) && verb === 'create') return await answerReview({ engine, caller, rbac: options.rbac }, info, request, response);
  const resource: ResourceRequest = { engine, target: targetOf(engine, info), verb, caller, query, request, response };
  if (verb === 'watch') {
    listOptionsOf(query);
    request.resume();
    answerWatch(resource, { ...options.streams, answered: log });
  } else await answerResource(resource);
}

async function send(request: IncomingMessage, response: ServerResponse, found: { readonly body: object | string | Buffer; readonly type?: string }): Promise<void> {
  if (typeof found.body === 'object' && !Buffer.isBuffer(found.body)) return await respond(request, response, { status: 200, text: jsonOf(found.body) });
  response.setHeader('Content-Type', found.type ?? 'text/plain; charset=utf-8');
  response.end(found.body);
}

function targetOf({ registry }: Engine, { group, version, plural, namespace, name, subresource }: Resource): ResourceRequest['target'] {
  const type = registry.find(group, version, plural);
  if (type === undefined) throw noSuchResource();
  const served = subresource === '' || (subresource === 'status' && type.hasStatus) || (subresource === 'finalize' && type.kind === 'Namespace');
  if (!served) throw noSuchResource();
  if (!type.namespaced && namespace !== '' && type.kind !== 'Namespace') throw noSuchResource();
  return { type, version, namespace: type.namespaced ? namespace : '', name, subresource };
}

async function answerError(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  request.resume();
  const status = goneStatusOf(error) ?? statusOf(error);
  const retryAfter = record(error instanceof ApiError ? error.details : {})['retryAfterSeconds'];
  if (typeof retryAfter === 'number' && retryAfter > 0) response.setHeader('Retry-After', retryAfter);
  const token = error instanceof ApiError && 'continueToken' in error ? { metadata: { continue: error.continueToken } } : {};
  await respond(request, response, { status: Number(record(status)['code']), text: JSON.stringify({ ...status, ...token }) });
}
