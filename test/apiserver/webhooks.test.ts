import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { makeCertificate } from './access/serverCertificate.ts';
import { at, record, type JsonObject } from './json.ts';
import { usePlane } from './testPlane.ts';

const plane = usePlane();
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
const MAPS = '/api/v1/namespaces/default/configmaps';
const authority = makeCertificate({ commonName: 'webhook-ca', issuer: null });
const serving = makeCertificate({ commonName: 'webhook', addresses: ['127.0.0.1'], dnsNames: ['localhost'], issuer: authority });

let server: Server;
let reviews: JsonObject[] = [];
let answer: (review: JsonObject) => JsonObject | null = () => ({ allowed: true });

before(async () => {
  server = createServer({ key: serving.privateKeyPem, cert: serving.certificatePem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as JsonObject;
      reviews.push(review);
      const given = answer(review);
      if (given === null) return;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: at(review, 'request', 'uid'), ...given } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(async () => {
  reviews = [];
  answer = () => ({ allowed: true });
});

async function configure(name: string, more: JsonObject = {}, caBundle = authority.certificatePem): Promise<void> {
  const { port } = server.address() as AddressInfo;
  await plane.client.delete(`${CONFIGURATIONS}/hook`);
  const made = await plane.client.post(CONFIGURATIONS, {
    apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'hook' },
    webhooks: [{
      name: `${name}.example.test`, clientConfig: { url: `https://127.0.0.1:${port}/check`, caBundle: Buffer.from(caBundle).toString('base64') },
      rules: [{ operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
      objectSelector: { matchLabels: { hook: name } }, sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 2, ...more,
    }],
  });
  assert.equal(made.status, 201, made.text);
}

async function make(hook: string, name: string): Promise<{ readonly status: number; readonly body: JsonObject; readonly headers: object }> {
  return await plane.client.post(MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { hook } } });
}

/** Webhooks take effect a moment after they are configured: writes dry until one has been asked. */
async function effective(hook: string): Promise<void> {
  for (let tries = 0; tries < 200 && reviews.length === 0; tries += 1) {
    await plane.client.post(`${MAPS}?dryRun=All`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe', labels: { hook } } });
    if (reviews.length === 0) await new Promise((resolve) => setTimeout(resolve, 25));
  }
  reviews = [];
}

test('a webhook is asked about creates, updates and deletes of what it matches, and of nothing else', async () => {
  await configure('asked');
  await effective('asked');
  assert.equal((await make('asked', 'asked')).status, 201);
  await plane.client.patch(`${MAPS}/asked`, 'merge', { data: { a: '1' } });
  await plane.client.delete(`${MAPS}/asked`);
  await make('other', 'unasked');
  assert.deepEqual(reviews.map((review) => at(review, 'request', 'operation')), ['CREATE', 'UPDATE', 'DELETE']);
  const [created, updated, deleted] = reviews;
  assert.equal(at(created, 'request', 'oldObject'), null);
  assert.equal(at(created, 'request', 'object', 'metadata', 'name'), 'asked');
  assert.deepEqual(at(updated, 'request', 'object', 'data'), { a: '1' });
  assert.equal(at(updated, 'request', 'oldObject', 'data'), undefined);
  assert.equal(at(deleted, 'request', 'object'), null);
  assert.equal(at(deleted, 'request', 'namespace'), 'default');
  assert.deepEqual(at(created, 'request', 'resource'), { group: '', version: 'v1', resource: 'configmaps' });
  assert.equal(record(at(created, 'request', 'userInfo'))['username'], 'kubernetes-admin');
});

test('what a webhook denies is not stored, and the answer says who denied it', async () => {
  await configure('denies');
  await effective('denies');
  answer = () => ({ allowed: false, status: { code: 422, reason: 'Invalid', message: 'not like this' } });
  const { status, body } = await make('denies', 'denied');
  assert.equal(status, 422);
  assert.equal(body['message'], 'admission webhook "denies.example.test" denied the request: not like this');
  assert.equal((await plane.client.get(`${MAPS}/denied`)).status, 404);
});

test('warnings of a webhook reach the client', async () => {
  await configure('warns');
  await effective('warns');
  answer = () => ({ allowed: true, warnings: ['look out'] });
  const { status, headers } = await make('warns', 'warned');
  assert.equal(status, 201);
  assert.match(String(record(headers)['warning']), /299 - "look out"/);
});

test('a webhook that does not answer in time refuses, or lets through by failurePolicy Ignore', async () => {
  await configure('slow', { timeoutSeconds: 1 });
  await effective('slow');
  answer = () => null;
  const refused = await make('slow', 'slow');
  assert.equal(refused.status, 500);
  assert.match(String(refused.body['message']), /failed calling webhook "slow\.example\.test"/);
  answer = () => ({ allowed: true });
  await configure('ignored', { timeoutSeconds: 1, failurePolicy: 'Ignore' });
  await effective('ignored');
  answer = () => null;
  assert.equal((await make('ignored', 'ignored')).status, 201);
});

test('a webhook whose certificate the caBundle does not know is not trusted', async () => {
  await configure('trusted');
  await effective('trusted');
  await configure('stranger', {}, makeCertificate({ commonName: 'another-ca', issuer: null }).certificatePem);
  let status = 201;
  for (let tries = 0; tries < 200 && status !== 500; tries += 1) {
    status = (await plane.client.post(`${MAPS}?dryRun=All`, { metadata: { name: 'stranger', labels: { hook: 'stranger' } } })).status;
    if (status !== 500) await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.equal(status, 500);
  assert.equal(reviews.length, 0);
});
