import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownAnswer } from './errorPage.ts';

/** HTTP status → gRPC's code, by gRPC's doc/http-grpc-status-mapping.md. */
const CODES: readonly (readonly [number, string])[] = [
  [400, '13'], [401, '16'], [403, '7'], [404, '12'], [408, '2'], [413, '2'], [429, '14'], [500, '2'], [502, '14'], [503, '14'], [504, '14'],
];

for (const [status, code] of CODES) {
  test(`a gRPC request that is answered ${status} gets a trailers-only response with grpc-status ${code}`, () => {
    const { head, body } = ownAnswer({ status, requestId: 'abc', accept: undefined, contentType: 'application/grpc+proto' });
    assert.deepEqual([head.status, head.bodyLength, body.length], [200, 0, 0]);
    assert.deepEqual([head.fields.get('content-type'), head.fields.get('grpc-status')], ['application/grpc', code]);
    assert.match(head.fields.get('grpc-message') ?? '', new RegExp(`^${status} .*, request id: abc$`));
  });
}

for (const contentType of ['application/json', 'application/grpc-web', 'application/grpcx', undefined]) {
  test(`content type ${contentType} is not gRPC: it gets a page`, () => {
    const { head, body } = ownAnswer({ status: 503, requestId: 'abc', accept: undefined, contentType });
    assert.deepEqual([head.status, head.bodyLength], [503, body.length]);
  });
}
