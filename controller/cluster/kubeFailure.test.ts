import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOfAnswer, failureOfConnection, failureOfStatus } from './kubeFailure.ts';

const REQUEST = { method: 'GET', path: '/api/v1/services' } as const;

function answer(status: number, body: unknown = {}, retryAfter?: string): ReturnType<typeof failureOfAnswer> {
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  return failureOfAnswer(REQUEST, { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }, 0);
}

test('the status of an answer decides the code', () => {
  const codes = [400, 401, 403, 404, 405, 408, 409, 410, 422, 429, 500, 503, 302].map((status) => answer(status).code);
  assert.deepEqual(codes, [
    'invalid', 'unauthorized', 'forbidden', 'notFound', 'invalid', 'timeout', 'conflict', 'gone', 'invalid',
    'tooManyRequests', 'server', 'server', 'server',
  ]);
});

test('the message has the request, the status, and what the Status object says', () => {
  const error = answer(403, { kind: 'Status', reason: 'Forbidden', message: 'services is forbidden:\n User "x"' });
  assert.equal(error.message, 'GET /api/v1/services: 403 Forbidden: services is forbidden: User "x"');
  assert.equal(error.status, 403);
});

test('a body that is no Status object leaves the status alone', () => {
  for (const body of ['404 page not found', '', '[]', 'null', '{"reason":1,"message":{}}']) {
    assert.equal(answer(404, body).message, 'GET /api/v1/services: 404');
  }
});

test('an endless message is cut', () => {
  assert.ok(answer(500, { message: 'x'.repeat(100_000) }).message.length < 600);
});

test('Retry-After is read as seconds or as a date, and is bounded', () => {
  assert.equal(answer(429, {}, '7').retryAfterMs, 7_000);
  assert.equal(answer(503, {}, 'Thu, 01 Jan 1970 00:00:05 GMT').retryAfterMs, 5_000);
  assert.equal(answer(503, {}, 'Wed, 31 Dec 1969 23:00:00 GMT').retryAfterMs, 0);
  assert.equal(answer(503, {}, '999999999').retryAfterMs, 3_600_000);
  assert.equal(answer(503, {}, 'soon').retryAfterMs, null);
  assert.equal(answer(429, { details: { retryAfterSeconds: 3 } }).retryAfterMs, 3_000);
  assert.equal(answer(500).retryAfterMs, null);
});

test('an ERROR event has the code of its Status object', () => {
  assert.equal(failureOfStatus({ code: 410, reason: 'Expired', message: 'too old' }).code, 'gone');
  assert.equal(failureOfStatus({ reason: 'Expired' }).code, 'gone');
  assert.equal(failureOfStatus({ code: 500, reason: 'InternalError' }).code, 'server');
  assert.equal(failureOfStatus(null).code, 'server');
});

test('a connection failure without a message is named by its code', () => {
  const error = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' });
  assert.equal(failureOfConnection(REQUEST, error).message, 'GET /api/v1/services: ECONNREFUSED');
  assert.equal(failureOfConnection(REQUEST, error).code, 'unreachable');
});
