import type { IncomingMessage, ServerResponse } from 'node:http';
import { at, records, record, text, list } from '../json.ts';
import { mediaTypeOf, parseBody, readBody } from '../http/readBody.ts';
import { respond } from '../http/respond.ts';
import type { Caller, Engine } from '../verbs/engine.ts';
import { callerOf } from './accounts.ts';
import { decodeSelfReview, PROTOBUF } from './reviewProtobuf.ts';
import { isAllowed, type Attributes } from './authorizer.ts';

const KINDS: ReadonlyMap<string, string> = new Map([
  ['selfsubjectaccessreviews', 'SelfSubjectAccessReview'], ['subjectaccessreviews', 'SubjectAccessReview'],
]);

/** Whether a path asks for a decision of the authorizer (authorization.k8s.io/v1), which is never stored. */
export function isReview({ group, plural }: { readonly group: string; readonly plural: string }): boolean {
  return group === 'authorization.k8s.io' && KINDS.has(plural);
}

/** Answers such a review. Throws ApiError for a body that is none. */
export async function answerReview(
  { engine, caller, rbac }: { readonly engine: Engine; readonly caller: Caller; readonly rbac: boolean },
  { plural }: { readonly plural: string }, request: IncomingMessage, response: ServerResponse,
): Promise<void> {
  const octets = await readBody(request);
  const body = mediaTypeOf(request) === PROTOBUF ? decodeSelfReview(octets) : record(parseBody(octets, mediaTypeOf(request)));
  const spec = record(body['spec']);
  const other = plural === 'subjectaccessreviews';
  const who = other ? callerOf(text(spec['user']), list(spec['groups']).map(String)) : caller;
  const allowed = !rbac || isAllowed(engine.storage, who, attributesOf(spec));
  const answer = {
    kind: KINDS.get(plural), apiVersion: 'authorization.k8s.io/v1', metadata: record(body['metadata']), spec,
    status: { allowed, ...(allowed ? {} : { reason: '' }) },
  };
  await respond(request, response, { status: 201, text: JSON.stringify(answer) });
}

function attributesOf(spec: Record<string, unknown>): Attributes {
  const path = record(spec['nonResourceAttributes']);
  if (records([spec['nonResourceAttributes']]).length > 0) return { type: 'path', verb: text(path['verb']), path: text(path['path']) };
  const field = (name: string): string => text(at(spec, 'resourceAttributes', name));
  return {
    type: 'resource', verb: field('verb'), group: field('group'), resource: field('resource'), subresource: field('subresource'),
    namespace: field('namespace'), name: field('name'),
  };
}
