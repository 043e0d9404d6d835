import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { Gatehouse } from '../support/gatehouse.ts';
import { ingress, service } from '../support/manifests.ts';
import { serve } from '../support/serve.ts';
import { addressesOf } from './ingressStatus.ts';
import { pod, sawBy } from './podEcho.ts';

interface Example {
  readonly method: string;
  /** Empty: the address itself, as a client without a name for it sends. */
  readonly host: string;
  readonly path: string;
}

const EXAMPLES: readonly Example[] = [
  { method: 'GET', host: 'my-host', path: '/' },
  { method: 'GET', host: 'my-host', path: '/sub-path' },
  { method: 'POST', host: 'some-host', path: '/' },
  { method: 'PUT', host: '', path: '/resource' },
  { method: 'DELETE', host: 'some-host', path: '/resource' },
  { method: 'PATCH', host: 'my-host', path: '/resource' },
];

suite('default_backend', () => {
  test('an Ingress with only a defaultBackend', async (t: TestContext) => {
    const backend = await pod(t, 'echo-service');
    const only = ingress('default-backend', '', [], { spec: { defaultBackend: { service: { name: 'echo-service', port: { number: 80 } } } } });
    const gatehouse = await serve(t, [only, ...service('echo-service', [backend])]);
    assert.notDeepEqual(await addressesOf(gatehouse, 'default-backend'), []);
    for (const example of EXAMPLES) {
      await t.test(`default_backend: ${example.method} to host "${example.host}" path "${example.path}" reaches it unchanged`, () => reaches(gatehouse, example));
    }
  });
});

async function reaches({ http }: Gatehouse, { method, host, path }: Example): Promise<void> {
  await sawBy('echo-service', { port: http, method, host: host === '' ? `127.0.0.1:${http}` : host, path });
}
