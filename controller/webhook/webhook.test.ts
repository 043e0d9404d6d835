import assert from 'node:assert/strict';
import { request } from 'node:https';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { silentLogger } from '../../core/log/logger.ts';
import { ALWAYS_LEADER } from '../election/leadership.ts';
import type { ListenAddress } from '../runtime/listenAddress.ts';
import { clusterOf, rawIngress } from './testing/cluster.ts';
import { createWebhookApi } from './testing/webhookApi.ts';
import { createWebhook, type WebhookOptions } from './webhook.ts';

const NAMES = { namespace: 'gatehouse', secret: 'gatehouse-webhook-tls', service: 'gatehouse-webhook', configuration: 'gatehouse' };

/** Asks as an API server does: by the name of the Service, trusting what the configuration says and nobody else. */
function ask({ address, port }: ListenAddress, ca: string, object: unknown): Promise<{ allowed: boolean }> {
  const kind = { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress' };
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { uid: 'u', operation: 'CREATE', kind, object } });
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const options = { method: 'POST', host: address, port, path: '/validate?timeout=5s', servername: 'gatehouse-webhook.gatehouse.svc', ca, agent: false, headers };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve((JSON.parse(text) as { response: { allowed: boolean } }).response));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

test('From an empty Secret on, replicas make, share and publish a certificate, and an API server that trusts it is answered by each', async (t) => {
  const api = createWebhookApi();
  const context = clusterOf([rawIngress('shop/first', ['shop.example /'])]);
  const replica = (isLeader: boolean): WebhookOptions => ({
    listen: { address: '127.0.0.1', port: 0 },
    certificates: { type: 'own', api, leadership: { ...ALWAYS_LEADER, isLeader: () => isLeader }, names: NAMES },
    clientAuthorityFile: null,
    context: () => context,
    registry: new Registry(),
    logger: silentLogger,
  });
  const webhooks = [createWebhook(replica(false)), createWebhook(replica(true))];
  t.after(() => Promise.all(webhooks.map((webhook) => webhook.stop())));
  const addresses = await Promise.all(webhooks.map((webhook) => webhook.start()));
  // What the leader writes reaches each replica by its watch, which may not be open yet.
  const tell = setInterval(() => api.notify(), 10);
  t.after(() => clearInterval(tell));
  for (const address of addresses) {
    const until = async (): Promise<{ allowed: boolean }> => ask(address, api.bundles?.[0] ?? '', rawIngress('shop/x', ['x.example /'])).catch(until);
    assert.equal((await until()).allowed, true);
    assert.equal((await ask(address, api.bundles?.[1] ?? '', rawIngress('shop/x', ['shop.example /']))).allowed, false);
  }
  assert.equal(api.writes.length, 2, 'the leader alone has written');
});

test('Stopping is idempotent and leaves the port free', async () => {
  const api = createWebhookApi();
  const options: WebhookOptions = {
    listen: { address: '127.0.0.1', port: 0 },
    certificates: { type: 'own', api, leadership: ALWAYS_LEADER, names: NAMES },
    clientAuthorityFile: null,
    context: () => null,
    registry: new Registry(),
    logger: silentLogger,
  };
  const webhook = createWebhook(options);
  const bound = await webhook.start();
  await webhook.stop();
  await webhook.stop();
  const again = createWebhook({ ...options, listen: bound, registry: new Registry() });
  assert.deepEqual(await again.start(), bound);
  await again.stop();
});

test('A file of client authorities that cannot be read ends the start', async () => {
  const webhook = createWebhook({
    listen: { address: '127.0.0.1', port: 0 },
    certificates: { type: 'files', certificateFile: '/nonexistent/tls.crt', keyFile: '/nonexistent/tls.key' },
    clientAuthorityFile: '/nonexistent/ca.crt',
    context: () => null,
    registry: new Registry(),
    logger: silentLogger,
  });
  await assert.rejects(webhook.start(), /ENOENT/);
  await webhook.stop();
});
