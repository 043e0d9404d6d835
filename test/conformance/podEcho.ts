import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { startBackend, type Backend } from '../support/backend.ts';
import { send, type Received, type Sent } from '../support/send.ts';

/** What the echo server of ingress-controller-conformance says of the request it got. */
export interface PodSaw {
  readonly path: string;
  readonly host: string;
  readonly method: string;
  readonly proto: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly namespace: string;
  readonly service: string;
  readonly pod: string;
}

/** A pod of `service` that answers as the suite's echo server does. */
export function startPod(service: string, pod = `${service}-0`): Promise<Backend> {
  return startBackend(pod, (request, response) => void answer({ service, pod }, request, response));
}

async function answer(pod: { readonly service: string; readonly pod: string }, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  await once(request, 'end');
  const headers = Object.entries(request.headersDistinct).map(([name, values]) => [name, values ?? []]);
  const said: PodSaw = {
    path: request.url ?? '',
    host: request.headers.host ?? '',
    method: request.method ?? '',
    proto: `HTTP/${request.httpVersion}`,
    headers: Object.fromEntries(headers),
    namespace: 'default',
    ...pod,
  };
  const body = JSON.stringify(said);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), server: 'echoserver' });
  response.end(body);
}

/** The first pod of a Service, stopped with the test. */
export async function pod(t: TestContext, service: string, name?: string): Promise<Backend> {
  const backend = await startPod(service, name);
  t.after(() => backend.close());
  return backend;
}

/** The response fields that the suite wants on every answer of its pods. */
export const EXPECTED_FIELDS = ['content-length', 'content-type', 'date', 'server'] as const;

/** Sends a request that must reach a pod; asserts what the suite asserts of each such answer. */
export async function sawBy(service: string, sent: Sent): Promise<PodSaw> {
  const received = await send({ ...sent, headers: { 'user-agent': 'conformance/1', ...sent.headers } });
  assert.equal(received.status, 200);
  for (const field of EXPECTED_FIELDS) assert.ok(received.headers[field], `${field} is missing`);
  const saw = decode(received);
  assert.equal(saw.service, service);
  assert.equal(saw.method, sent.method ?? 'GET');
  assert.equal(saw.path, sent.path ?? '/');
  assert.equal(saw.host, sent.host);
  assert.match(saw.proto, /^HTTP\/1\.1$/);
  assert.deepEqual(saw.headers['user-agent'], ['conformance/1']);
  return saw;
}

function decode({ body }: Received): PodSaw {
  return JSON.parse(body) as PodSaw;
}
