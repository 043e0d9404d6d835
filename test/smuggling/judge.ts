import assert from 'node:assert/strict';
import { valuesOf, type RawRequest } from '../support/rawRequest.ts';
import { fieldOf, type RawResponse, type ReadResponses } from '../support/rawResponse.ts';
import { requestsIn, type SmugglingCase } from './smugglingCase.ts';
import type { Answer, BackendKind } from './watchfulBackend.ts';

/** All that is known of one case once everything has come to rest. */
export interface Outcome {
  readonly end: string;
  readonly answers: ReadResponses;
  /** Complete requests the backends saw of this client, A's and B's. */
  readonly atGateway: readonly RawRequest[];
  readonly atOther: readonly RawRequest[];
  readonly from: string;
}

const CANARY = '/smuggled-canary';
/**
 * The upgrade is not taken, so the octets behind it are the next request (their notes allow that, and forbid raw octets);
 * by the backend that takes the WebSocket they are tunnelled, and no request.
 */
const PIPELINED_CANARY = new Map<string, (kind: BackendKind) => boolean>([
  ['upg-002', (kind) => kind === 'node:http'],
  ['upg-003', () => true],
]);
const REFUSALS = new Set([400, 405, 408, 411, 413, 414, 417, 421, 431, 501, 505]);
/** The guard on /admin, routes that lead nowhere, and the redirect. */
const LOCAL_ANSWERS = new Set([308, 404, 503]);
/** Fields a proxy removes, replaces or adds; what is said of them is said by name below. */
const NOT_END_TO_END = new Set(
  [
    'connection keep-alive proxy-connection te upgrade http2-settings transfer-encoding content-length trailer host expect forwarded',
    'x-real-ip x-request-id x-scheme x-original-forwarded-for',
    'x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-forwarded-scheme',
  ].flatMap((names) => names.split(' ')),
);

/** Throws when the outcome breaks what the case expects. */
export function judge(smuggling: SmugglingCase, outcome: Outcome, kind: BackendKind): void {
  const requests = [...outcome.atGateway, ...outcome.atOther];
  judgeAlways(smuggling, outcome, kind);
  switch (smuggling.expect) {
    case 'reject400':
      assert.deepEqual(statusesOf(outcome), [400]);
      assert.deepEqual(requests, []);
      return;
    case 'reject_any4xx_or_close':
      assert.ok(isRefusal(outcome), `statuses ${statusesOf(outcome).join(' ')}`);
      assert.deepEqual(requests, []);
      return;
    case 'forward':
      judgeForwarded(requestsIn(smuggling.raw), outcome);
      return;
    case 'either_but_no_smuggle':
      judgeEither(smuggling, outcome, kind);
  }
}

/** What may differ between two runs of one case without being a difference. */
export function comparable(outcome: Outcome): unknown {
  const known = ({ method, target, body, fields, trailers }: RawRequest): unknown => {
    return { method, target, body, trailers, fields: fields.filter(([name]) => !/^x-(?:request-id|real-ip|forwarded-for)$/i.test(name)) };
  };
  return {
    statuses: statusesOf(outcome),
    interim: outcome.answers.interim,
    atGateway: outcome.atGateway.map(known),
    atOther: outcome.atOther.map(known),
  };
}

/** Holds for every case, whatever its class. */
function judgeAlways({ id, raw }: SmugglingCase, outcome: Outcome, kind: BackendKind): void {
  const { answers, atGateway, atOther, from } = outcome;
  const requests = [...atGateway, ...atOther];
  assert.equal(outcome.end, 'closed');
  if (answers.responses.at(-1)?.status !== 101) assert.equal(answers.rest, '', 'octets that are no response');
  const pipelined = PIPELINED_CANARY.get(id)?.(kind) ?? false;
  if (!pipelined) assert.ok(!requests.some(({ target }) => target.startsWith(CANARY)), 'the canary was seen');
  for (const { target, fields } of requests) {
    assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), [from]);
    assert.equal(valuesOf(fields, 'x-request-id').length, 1);
    assert.equal(valuesOf(fields, 'host').length, 1);
    assert.doesNotMatch(meaningOf(target), /^\/admin(?:\/|$)/, 'a guarded path reached a backend');
  }
  for (const { fields } of atGateway) assert.match(valuesOf(fields, 'host').join(), /^gw\.test(?::\d*)?$/);
  for (const { fields } of atOther) assert.match(valuesOf(fields, 'host').join(), /^other\.test(?::\d*)?$/);
  for (const response of answers.responses) judgeOwnAnswer(response, outcome);
  assert.ok(answers.interim.length <= 1 && (answers.interim[0] ?? 100) === 100, 'interim responses');
  if (/ HTTP\/1\.0\r\n/.test(raw)) assert.deepEqual(answers.interim, []);
}

/** An answer of a backend names the client it was for; one of the proxy carries nothing of the request's octets unencoded. */
function judgeOwnAnswer(response: RawResponse, { from, atGateway, atOther }: Outcome): void {
  assert.doesNotMatch(response.head, /\r\nX-Evil:/i);
  if (response.status !== 200 || response.body === '') return;
  const answer = JSON.parse(response.body) as Answer;
  assert.equal(answer.client, from, "another client's answer");
  const seen = answer.backend === 'A' ? atGateway : atOther;
  assert.ok(seen.some(({ method, target }) => method === answer.method && target === answer.target), 'an answer to no request');
}

function judgeForwarded(sent: readonly RawRequest[], { atGateway, atOther, answers, from }: Outcome): void {
  assert.deepEqual(atOther, []);
  assert.deepEqual(atGateway.map(essence), sent.map(essence));
  assert.deepEqual(
    answers.responses.map((response) => (response.status === 101 ? 101 : response.status)),
    sent.map(({ fields }) => (valuesOf(fields, 'upgrade')[0] === 'websocket' && answers.responses[0]?.status === 101 ? 101 : 200)),
  );
  for (const [index, request] of sent.entries()) {
    const seen = atGateway[index];
    const answer = answers.responses[index];
    assert.ok(seen !== undefined && answer !== undefined);
    judgeHopByHop(request, seen, from);
    if (answer.status === 200 && request.method !== 'HEAD') assert.equal((JSON.parse(answer.body) as Answer).target, request.target);
    if (request.method === 'HEAD') assert.notEqual(fieldOf(answer, 'content-length'), null);
  }
}

/** What must arrive as it was sent. */
function essence({ method, target, body, fields }: RawRequest): unknown {
  const named = new Set(connectionOptions(fields));
  const kept = fields.filter(([name]) => !NOT_END_TO_END.has(name.toLowerCase()) && !named.has(name.toLowerCase()));
  return { method, target, body, fields: kept };
}

function connectionOptions(fields: RawRequest['fields']): string[] {
  return valuesOf(fields, 'connection').join(',').split(',').map((option) => option.trim().toLowerCase());
}

/** RFC 9110 section 7.6: what is said to this hop stays here, and nobody can have the proxy's own fields removed. */
function judgeHopByHop(sent: RawRequest, seen: RawRequest, from: string): void {
  for (const gone of ['keep-alive', 'proxy-connection', 'http2-settings', 'forwarded', 'x-auth-user']) assert.deepEqual(valuesOf(seen.fields, gone), []);
  for (const value of valuesOf(seen.fields, 'te')) assert.equal(value, 'trailers');
  for (const value of valuesOf(seen.fields, 'upgrade')) assert.equal(value, 'websocket');
  assert.deepEqual(valuesOf(seen.fields, 'x-real-ip'), [from]);
  assert.deepEqual(valuesOf(seen.fields, 'x-forwarded-proto'), ['http']);
  assert.deepEqual(valuesOf(seen.fields, 'x-forwarded-host'), valuesOf(sent.fields, 'host'));
  for (const option of connectionOptions(seen.fields)) assert.match(option, /^(?:|keep-alive|close|upgrade|te)$/);
}

function judgeEither(smuggling: SmugglingCase, outcome: Outcome, kind: BackendKind): void {
  const statuses = statusesOf(outcome);
  const requests = [...outcome.atGateway, ...outcome.atOther];
  if (smuggling.note.includes('strict: 400')) {
    assert.deepEqual(statuses, [400]);
    assert.deepEqual(requests, []);
    return;
  }
  const pipelined = PIPELINED_CANARY.get(smuggling.id)?.(kind) ?? false;
  assert.ok(requests.length <= (pipelined ? 2 : 1), 'more than one request was forwarded');
  for (const status of statuses) {
    assert.ok(status === 200 || status === 101 || REFUSALS.has(status) || LOCAL_ANSWERS.has(status), `status ${status}`);
  }
  const forwarded = statuses.filter((status) => status === 200 || status === 101).length;
  assert.equal(forwarded, requests.length, 'each request that a backend saw is answered');
  for (const [name] of requestsIn(smuggling.raw)[0]?.trailers ?? []) {
    const isOwn = NOT_END_TO_END.has(name.toLowerCase());
    for (const { fields } of requests) assert.ok(isOwn || valuesOf(fields, name.toLowerCase()).length === 0, `${name} became a header field`);
    for (const { trailers } of requests) assert.deepEqual(valuesOf(trailers, name.toLowerCase()), [], `${name} must not be a trailer`);
  }
  const isLookalike = /[\r\n](?:Content_Length|X_Forwarded_For):/i;
  if (isLookalike.test(smuggling.raw)) for (const { fields } of requests) assert.ok(!fields.some(([name]) => name.includes('_')));
}

function isRefusal(outcome: Outcome): boolean {
  const statuses = statusesOf(outcome);
  return statuses.length === 0 || (statuses.length === 1 && (REFUSALS.has(statuses[0] ?? 0) || statuses[0] === 404));
}

function statusesOf({ answers }: Outcome): number[] {
  return answers.responses.map(({ status }) => status);
}

/** The path a target means to a server that decodes once and resolves dot segments; as it is, if that is no URL. */
function meaningOf(target: string): string {
  const path = target.split('?', 1)[0] ?? '';
  const decoded = path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const kept: string[] = [];
  for (const segment of decoded.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}
