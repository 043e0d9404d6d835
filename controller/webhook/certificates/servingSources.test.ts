import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { silentLogger, type Logger } from '../../../core/log/logger.ts';
import { KubeError } from '../../cluster/kubeApi.ts';
import { makeLeaf } from '../../../test/support/certificates.ts';
import { createWebhookApi, type WebhookApi } from '../testing/webhookApi.ts';
import { createFileSource } from './fileSource.ts';
import { createSecretSource } from './secretSource.ts';
import type { ServingSource } from './servingPair.ts';

function changed(source: ServingSource): Promise<void> {
  return new Promise((resolve) => {
    const end = source.onChange(() => {
      end();
      resolve();
    });
  });
}

function put(api: WebhookApi, name: string): string {
  const { certificatePem, privateKeyPem } = makeLeaf(null, name);
  api.data = { 'tls.crt': Buffer.from(certificatePem).toString('base64'), 'tls.key': Buffer.from(privateKeyPem).toString('base64') };
  return certificatePem;
}

function follow(t: TestContext, api: WebhookApi): ServingSource {
  const source = createSecretSource({ api, namespace: 'gatehouse', secret: 'gatehouse-webhook-tls', logger: silentLogger, retryMs: 10 });
  t.after(() => source.stop());
  return source;
}

test('The pair of the Secret is read at the start and followed, and nothing that is garbage replaces it', async (t) => {
  const api = createWebhookApi();
  put(api, 'one');
  const source = follow(t, api);
  const first = changed(source);
  source.start();
  source.start();
  await first;
  const second = changed(source);
  const pem = put(api, 'two');
  // The watch may not be open yet when the first change is told.
  const poke = setInterval(() => api.notify(), 5);
  t.after(() => clearInterval(poke));
  await second;
  assert.equal(source.current()?.certificatePem.trim(), pem.trim());
  for (const data of [{}, { 'tls.crt': 'Z2FyYmFnZQ==' }, { ...api.data, 'tls.key': Buffer.from(makeLeaf(null, 'x').privateKeyPem).toString('base64') }]) {
    api.data = data;
    api.notify();
  }
  const third = changed(source);
  const last = put(api, 'three');
  await third;
  assert.equal(source.current()?.certificatePem.trim(), last.trim());
});

test('An API server that fails and watches that end do not end the source', async (t) => {
  const api = createWebhookApi();
  put(api, 'one');
  let faults = 1;
  api.fault = () => (faults-- > 0 ? new KubeError('unreachable', 'simulated') : null);
  const source = follow(t, api);
  const first = changed(source);
  source.start();
  await first;
  const second = changed(source);
  put(api, 'two');
  const cut = setInterval(() => api.cut(), 5);
  t.after(() => clearInterval(cut));
  await second;
});

test('Stopping ends the watch at once', async () => {
  const api = createWebhookApi();
  put(api, 'one');
  const source = createSecretSource({ api, namespace: 'gatehouse', secret: 'gatehouse-webhook-tls', logger: silentLogger });
  const first = changed(source);
  source.start();
  await first;
  await source.stop();
  await source.stop();
});

test('Files are followed; a pair that does not fit, or a missing file, leaves the last good one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-webhook-'));
  t.after(() => rm(folder, { recursive: true }));
  const certificateFile = join(folder, 'tls.crt');
  const keyFile = join(folder, 'tls.key');
  const faults: string[] = [];
  let told = (): void => {};
  const logger: Logger = {
    ...silentLogger,
    error: (_message, fields) => {
      faults.push(String(fields?.['fault']));
      told();
    },
  };
  const source = createFileSource({ certificateFile, keyFile, logger, intervalMs: 5 });
  t.after(() => source.stop());
  const one = makeLeaf(null, 'one');
  const two = makeLeaf(null, 'two');
  const first = changed(source);
  source.start();
  await writeFile(keyFile, one.privateKeyPem);
  await writeFile(certificateFile, one.certificatePem);
  await first;
  const second = changed(source);
  const fault = new Promise<void>((resolve) => (told = resolve));
  await writeFile(certificateFile, two.certificatePem);
  await fault;
  assert.equal(faults[0], 'ENOENT');
  assert.equal(source.current()?.certificatePem, one.certificatePem);
  await writeFile(keyFile, two.privateKeyPem);
  await second;
  assert.equal(source.current()?.certificatePem, two.certificatePem);
});
