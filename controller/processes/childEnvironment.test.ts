import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyEnvironment } from './childEnvironment.ts';

test('a proxy gets time zone and resolver settings and nothing that configures Node.js or holds a secret', () => {
  const parent = { TZ: 'UTC', RES_OPTIONS: 'ndots:1', NODE_OPTIONS: '--inspect', KUBECONFIG: '/x', PATH: '/bin', LD_PRELOAD: 'x.so' };
  assert.deepEqual(proxyEnvironment(4, parent), { TZ: 'UTC', RES_OPTIONS: 'ndots:1', UV_THREADPOOL_SIZE: '18' });
});

test('the thread pool never exceeds what libuv allows', () => {
  assert.equal(proxyEnvironment(4096, {})['UV_THREADPOOL_SIZE'], '1024');
});
