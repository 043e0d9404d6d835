import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcerEnvironment, proxyEnvironment } from './childEnvironment.ts';

test('a proxy gets time zone and resolver settings and nothing that configures Node.js or holds a secret', () => {
  const parent = { TZ: 'UTC', RES_OPTIONS: 'ndots:1', NODE_OPTIONS: '--inspect', KUBECONFIG: '/x', PATH: '/bin', LD_PRELOAD: 'x.so' };
  assert.deepEqual(proxyEnvironment(4, parent), { TZ: 'UTC', RES_OPTIONS: 'ndots:1', UV_THREADPOOL_SIZE: '18' });
});

test('the thread pool never exceeds what libuv allows', () => {
  assert.equal(proxyEnvironment(4096, {})['UV_THREADPOOL_SIZE'], '1024');
});

test('an announcer gets the folders of programs, its code cache if it has one, and nothing else of the controller', () => {
  const parent = { TZ: 'UTC', NODE_OPTIONS: '--inspect', KUBECONFIG: '/x', PATH: '/own', LD_PRELOAD: 'x.so' };
  assert.deepEqual(announcerEnvironment({ folders: ['/own', '/usr/sbin'], codeCache: null }, parent), { TZ: 'UTC', PATH: '/own:/usr/sbin' });
  assert.deepEqual(announcerEnvironment({ folders: ['/sbin'], codeCache: '/run/code' }, {}), { PATH: '/sbin', NODE_COMPILE_CACHE: '/run/code' });
});
