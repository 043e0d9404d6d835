import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { ingress, service } from '../support/manifests.ts';
import { send } from '../support/send.ts';
import { serve } from '../support/serve.ts';
import { addressesOf } from './ingressStatus.ts';
import { pod } from './podEcho.ts';

suite('ingress_class', () => {
  test('ingress_class: an Ingress of an unknown class gets no address and no traffic', async (t: TestContext) => {
    const backend = await pod(t, 'echo-service');
    const foreign = ingress('foreign', 'foreign.test', [{ path: '/', service: 'echo-service' }], {
      spec: { ingressClassName: 'some-invalid-class-name' },
    });
    const ours = ingress('ours', 'ours.test', [{ path: '/', service: 'echo-service' }]);
    const gatehouse = await serve(t, [foreign, ours, ...service('echo-service', [backend])]);
    assert.notDeepEqual(await addressesOf(gatehouse, 'ours'), []);
    assert.deepEqual((await addressesOf(gatehouse, 'foreign')) ?? [], []);
    assert.equal((await send({ port: gatehouse.http, host: 'foreign.test' })).status, 404);
    assert.equal((await send({ port: gatehouse.http, host: 'ours.test' })).status, 200);
  });
});
