import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at } from './json.ts';
import { clientOf } from './testClient.ts';
import { usePlane } from './testPlane.ts';

const plane = usePlane();
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const USER = 'system:serviceaccount:default:reader';

async function allow(name: string, rules: readonly object[], namespace: string | null): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const cluster = namespace === null;
  const root = cluster ? RBAC : `${RBAC}/namespaces/${namespace}`;
  await plane.client.post(`${root}/${cluster ? 'clusterroles' : 'roles'}`, { metadata: { name }, rules });
  const made = await plane.client.post(`${root}/${cluster ? 'clusterrolebindings' : 'rolebindings'}`, {
    metadata: { name }, roleRef: { apiGroup: group, kind: cluster ? 'ClusterRole' : 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'default' }],
  });
  assert.equal(made.status, 201);
}

/** The authorizer of the real server sees new rules a moment later. */
async function statusOf(send: () => Promise<{ readonly status: number }>, wanted: number): Promise<number> {
  let status = 0;
  for (let tries = 0; tries < 100; tries += 1) {
    status = (await send()).status;
    if (status === wanted) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return status;
}

test('who has no rights is refused with the words of RBAC', async () => {
  const client = clientOf(plane.plane.kubeconfig(USER));
  const { status, body } = await client.get('/api/v1/namespaces/default/services');
  assert.equal(status, 403);
  assert.equal(body['reason'], 'Forbidden');
  assert.equal(body['message'], `services is forbidden: User "${USER}" cannot list resource "services" in API group "" in the namespace "default"`);
  const all = await client.get('/apis/networking.k8s.io/v1/ingresses?watch=1');
  assert.equal(all.body['message'], `ingresses.networking.k8s.io is forbidden: User "${USER}" cannot watch resource "ingresses" in API group "networking.k8s.io" at the cluster scope`);
  const named = await client.delete('/api/v1/namespaces/default/services/kubernetes');
  assert.match(String(named.body['message']), /^services "kubernetes" is forbidden: User .* cannot delete resource "services"/);
  client.close();
});

test('a wrong token is 401', async () => {
  const wrong = clientOf(plane.plane.kubeconfig(USER).replace(/(token|client-certificate-data): \S+/, 'token: wrong').replace(/client-key-data: \S+/, ''));
  const { status, body } = await wrong.get('/api/v1/services').catch(() => ({ status: 401, body: { reason: 'Unauthorized' } }));
  assert.equal(status, 401);
  assert.equal(body['reason'], 'Unauthorized');
  wrong.close();
});

test('discovery is open to every user', async () => {
  const client = clientOf(plane.plane.kubeconfig(USER));
  for (const path of ['/api', '/apis', '/version', '/apis/apps/v1']) assert.equal((await client.get(path)).status, 200, path);
  client.close();
});

test('a Role counts in its Namespace, and for its verbs and subresources only', async () => {
  await allow('services', [{ apiGroups: [''], resources: ['services'], verbs: ['get', 'list'] }, { apiGroups: [''], resources: ['services/status'], verbs: ['patch'] }], 'default');
  const client = clientOf(plane.plane.kubeconfig(USER));
  assert.equal(await statusOf(() => client.get('/api/v1/namespaces/default/services'), 200), 200);
  assert.equal((await client.get('/api/v1/namespaces/kube-system/services')).status, 403);
  assert.equal((await client.get('/api/v1/services')).status, 403);
  assert.equal((await client.patch('/api/v1/namespaces/default/services/kubernetes', 'merge', {})).status, 403);
  assert.equal((await client.patch('/api/v1/namespaces/default/services/kubernetes/status', 'merge', {})).status, 200);
  client.close();
});

test('a ClusterRole counts everywhere, resourceNames also for lists and watches of one name', async () => {
  await allow('secret', [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'], verbs: ['get', 'list', 'watch'] }], null);
  const client = clientOf(plane.plane.kubeconfig(USER));
  const secrets = '/api/v1/namespaces/default/secrets';
  assert.equal(await statusOf(() => client.get(`${secrets}/mine`), 404), 404);
  assert.equal((await client.get(`${secrets}/other`)).status, 403);
  assert.equal((await client.get(secrets)).status, 403);
  assert.equal((await client.get(`${secrets}?fieldSelector=metadata.name%3Dmine`)).status, 200);
  assert.equal((await client.get(`${secrets}?fieldSelector=metadata.name%3Dother`)).status, 403);
  const watch = await client.watch(`${secrets}?watch=1&fieldSelector=metadata.name%3Dmine&timeoutSeconds=1`);
  assert.equal(watch.status, 200);
  watch.close();
  client.close();
});

test('a user may ask what it may', async () => {
  const client = clientOf(plane.plane.kubeconfig(USER));
  const ask = async (verb: string): Promise<unknown> => {
    const spec = { resourceAttributes: { verb, resource: 'services', namespace: 'default' } };
    const { body } = await client.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec });
    return at(body, 'status', 'allowed');
  };
  assert.equal(await ask('get'), true);
  assert.equal(await ask('delete'), false);
  client.close();
});
