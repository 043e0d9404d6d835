import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { ingress, service } from '../support/manifests.ts';
import { serve } from '../support/serve.ts';
import { addressesOf } from './ingressStatus.ts';
import { pod, sawBy } from './podEcho.ts';

const PODS = 10;
const REQUESTS = 100;

suite('load_balancing', () => {
  test('load_balancing: of a Service scaled to 10 pods, 100 requests reach all 10', async (t: TestContext) => {
    const one = await pod(t, 'echo-service', 'pod-0');
    const only = ingress('load-balancing', '', [], { spec: { defaultBackend: { service: { name: 'echo-service', port: { number: 80 } } } } });
    const gatehouse = await serve(t, [only, ...service('echo-service', [one])]);
    assert.notDeepEqual(await addressesOf(gatehouse, 'load-balancing'), []);
    const others = await Promise.all(Array.from({ length: PODS - 1 }, (_, index) => pod(t, 'echo-service', `pod-${index + 1}`)));
    await gatehouse.write('manifests.yaml', [only, ...service('echo-service', [one, ...others])]);
    const saw = await Promise.all(Array.from({ length: REQUESTS }, () => sawBy('echo-service', { port: gatehouse.http, host: 'load-balancing' })));
    assert.equal(new Set(saw.map((each) => each.pod)).size, PODS);
  });
});
