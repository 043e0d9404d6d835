import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Agent, Client, type Dispatcher } from 'undici';
import type { EchoedRequest } from '../support/backend.ts';
import { ingress, service } from '../support/manifests.ts';
import { backendFor, serve } from '../support/serve.ts';

async function echoOf({ statusCode, body }: Dispatcher.ResponseData): Promise<EchoedRequest> {
  assert.equal(statusCode, 200);
  return (await body.json()) as EchoedRequest;
}

suite('undici', () => {
  test('through a whole Gatehouse', async (t: TestContext) => {
    const backend = await backendFor(t, 'echo');
    const { http } = await serve(t, [ingress('echo', 'gw.test', [{ path: '/', service: 'echo' }]), ...service('echo', [backend])]);
    const origin = `http://127.0.0.1:${http}`;
    const headers = { host: 'gw.test' };

    await t.test('100 requests, 10 of them on the way at a time, are answered in order on one connection', async () => {
      const client = new Client(origin, { pipelining: 10 });
      let connections = 0;
      client.on('connect', () => {
        connections += 1;
      });
      const answers = await Promise.all(
        Array.from({ length: 100 }, async (_, index) => echoOf(await client.request({ method: 'GET', path: `/turn/${index}`, headers }))),
      );
      assert.deepEqual(answers.map(({ url }) => url), Array.from({ length: 100 }, (_, index) => `/turn/${index}`));
      assert.equal(connections, 1);
      await client.close();
    });
    await t.test('an agent keeps its connections over 500 requests with bodies', async () => {
      const agent = new Agent({ connections: 5, pipelining: 1, keepAliveTimeout: 30_000 });
      let connections = 0;
      agent.on('connect', () => {
        connections += 1;
      });
      const turns = Array.from({ length: 500 }, async (_, index) => {
        const body = `${index} `.repeat(index);
        const echoed = await echoOf(await agent.request({ origin, method: 'POST', path: `/${index}`, headers, body }));
        assert.equal(echoed.url, `/${index}`);
        assert.equal(echoed.body, body);
      });
      await Promise.all(turns);
      assert.equal(connections, 5);
      await agent.close();
    });
  });
});
