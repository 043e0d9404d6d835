import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tlsTransport } from '../http/testing/askUpstream.ts';
import { transportFor } from './transportFor.ts';

test('no transport, and one without TLS by HTTP/1.1, is clear text', () => {
  assert.equal(transportFor(undefined, 'https'), null);
  assert.equal(transportFor(null, 'https'), null);
  assert.equal(transportFor({ protocol: 'http1', tls: null, tlsWhen: 'always', identity: 'a' }, 'https'), null);
});

test('asClient uses TLS for clients that do, and else clear text of the same protocol', () => {
  for (const protocol of ['http1', 'http2'] as const) {
    const transport = { ...tlsTransport(protocol), tlsWhen: 'asClient' } as const;
    assert.equal(transportFor(transport, 'https'), transport);
    const clear = transportFor(transport, 'http');
    assert.deepEqual([clear?.protocol, clear?.tls], protocol === 'http1' ? [undefined, undefined] : ['http2', null]);
  }
  const always = tlsTransport('http1');
  assert.equal(transportFor(always, 'http'), always);
});
