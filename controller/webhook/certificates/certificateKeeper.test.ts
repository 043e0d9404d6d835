import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLogger } from '../../../core/log/logger.ts';
import { KubeError } from '../../cluster/kubeApi.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import { makeAuthority } from '../../../test/support/certificates.ts';
import { createWebhookApi, type WebhookApi } from '../testing/webhookApi.ts';
import { createCertificateKeeper, type CertificateKeeper } from './certificateKeeper.ts';
import { servingPairOf } from './secretSource.ts';
import type { ServingPair } from './servingPair.ts';

const NAMES = { namespace: 'gatehouse', secret: 'gatehouse-webhook-tls', service: 'gatehouse-webhook', configuration: 'gatehouse' };

interface Kept {
  readonly keeper: CertificateKeeper;
  readonly lines: string[];
  /** Whether this process leads. */
  leads: boolean;
  nowMs: number;
}

function keep(api: WebhookApi): Kept {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line), flush: () => Promise.resolve() };
  const kept = { lines, leads: true, nowMs: Date.now() };
  const keeper = createCertificateKeeper({
    api,
    leadership: { isLeader: () => kept.leads, holder: () => null, onChange: () => () => {} },
    names: NAMES,
    logger: createLogger({ level: 'debug', format: 'json', name: 'test', destination }),
    nowMs: () => kept.nowMs,
  });
  return Object.assign(kept, { keeper });
}

function pairIn(api: WebhookApi): ServingPair | null {
  const { object } = decodeObject(api.secret(), null);
  assert.equal(object?.kind, 'Secret');
  return object?.kind === 'Secret' ? servingPairOf(object) : null;
}

test('An empty Secret is filled, the configuration trusts it, and a client of the Service connects', async (t) => {
  const api = createWebhookApi();
  await keep(api).keeper.round();
  assert.deepEqual(api.writes, [
    'PATCH /api/v1/namespaces/gatehouse/secrets/gatehouse-webhook-tls',
    'PATCH /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/gatehouse',
  ]);
  const pair = pairIn(api);
  assert.ok(pair !== null);
  const server = createServer({ cert: pair.certificatePem, key: pair.keyPem }, (socket) => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  for (const servername of ['gatehouse-webhook.gatehouse.svc', 'gatehouse-webhook.gatehouse.svc.cluster.local']) {
    for (const ca of api.bundles ?? []) {
      const { port } = server.address() as AddressInfo;
      const client = connect({ port, host: '127.0.0.1', servername, ca });
      await once(client, 'secureConnect');
      assert.ok(client.authorized);
      client.destroy();
    }
  }
});

test('When all is well nothing is written, whoever leads', async () => {
  const api = createWebhookApi();
  await keep(api).keeper.round();
  api.writes.length = 0;
  await keep(api).keeper.round();
  await keep(api).keeper.round();
  assert.deepEqual(api.writes, []);
});

test('Who does not lead reads and writes nothing, also when it loses the lead between reading and writing', async () => {
  const api = createWebhookApi();
  const kept = keep(api);
  kept.leads = false;
  await kept.keeper.round();
  kept.leads = true;
  api.fault = ({ path }) => {
    if (path.includes('validatingwebhookconfigurations')) kept.leads = false;
    return null;
  };
  await kept.keeper.round();
  assert.deepEqual(api.writes, []);
});

test('A Secret that another leader has written meanwhile is not overwritten', async () => {
  const api = createWebhookApi();
  const other = keep(api);
  let reads = 0;
  const late = keep({ ...api, request: async (request) => {
    const answer = await api.request(request);
    reads += 1;
    if (reads === 1) await other.keeper.round();
    return answer;
  } });
  await assert.rejects(late.keeper.round(), (error) => error instanceof KubeError && error.code === 'conflict');
});

test('Without a configuration certificates are made and nothing is published', async () => {
  const api = createWebhookApi();
  api.bundles = null;
  await keep(api).keeper.round();
  assert.equal(api.writes.length, 1);
  assert.ok(pairIn(api) !== null);
});

test('A configuration that was installed anew, or trusts somebody else, is put right in one round', async () => {
  const api = createWebhookApi();
  const { keeper } = keep(api);
  await keeper.round();
  const good = [...(api.bundles ?? [])];
  for (const bundles of [['', ''], [good[0] ?? '', ''], [makeAuthority('Stranger').certificatePem, good[1] ?? ''], ['garbage', 'garbage']]) {
    api.bundles = [...bundles];
    await keeper.round();
    assert.deepEqual(api.bundles, good);
  }
});

test('A part of the Secret that is garbage is replaced with a warning, and the rest is kept', async () => {
  const api = createWebhookApi();
  const kept = keep(api);
  await kept.keeper.round();
  const before = { ...api.data };
  api.data['tls.key'] = Buffer.from('garbage').toString('base64');
  await kept.keeper.round();
  assert.ok(pairIn(api) !== null);
  assert.equal(api.data['ca.crt'], before['ca.crt']);
  assert.ok(kept.lines.some((line) => line.includes('"level":"warn"') && line.includes('tls.key must be a PEM private key')));
  assert.deepEqual(api.data['next-ca.key'], undefined);
  api.data['next-ca.key'] = Buffer.from('garbage').toString('base64');
  await kept.keeper.round();
  assert.equal(api.data['next-ca.key'], undefined, 'what is of no use and not needed is removed');
});

test('An authority signs only after the configuration has trusted it for a minute', async () => {
  const api = createWebhookApi();
  const kept = keep(api);
  await kept.keeper.round();
  const first = api.data['ca.key'];
  kept.nowMs += 250 * 24 * 3_600_000;
  await kept.keeper.round();
  assert.ok(api.data['next-ca.key'] !== undefined);
  assert.equal(api.data['ca.key'], first);
  kept.nowMs += 59_000;
  await kept.keeper.round();
  assert.equal(api.data['ca.key'], first);
  const next = api.data['next-ca.key'];
  kept.nowMs += 2_000;
  await kept.keeper.round();
  assert.equal(api.data['ca.key'], next);
  assert.equal(api.data['next-ca.key'], undefined);
});

test('A Service of another name gets a certificate for it at once', async () => {
  const api = createWebhookApi();
  await keep(api).keeper.round();
  const before = pairIn(api)?.certificatePem;
  const renamed = createCertificateKeeper({
    api,
    leadership: { isLeader: () => true, holder: () => null, onChange: () => () => {} },
    names: { ...NAMES, service: 'renamed' },
    logger: createLogger({ level: 'silent', format: 'json', name: 'test' }),
    nowMs: () => Date.now(),
  });
  await renamed.round();
  assert.notEqual(pairIn(api)?.certificatePem, before);
});

test('No line of the log holds a key or a certificate', async () => {
  const api = createWebhookApi();
  const kept = keep(api);
  for (let round = 0; round < 12; round += 1) {
    await kept.keeper.round().catch(() => {});
    kept.nowMs += 40 * 24 * 3_600_000;
    if (round === 5) api.data['ca.key'] = Buffer.from('-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----').toString('base64');
  }
  const text = kept.lines.join('\n');
  assert.ok(kept.lines.length > 5);
  assert.ok(!/BEGIN|c2VjcmV0|PRIVATE KEY-/.test(text));
  for (const value of Object.values(api.data)) assert.ok(!text.includes(value.slice(0, 40)));
});
