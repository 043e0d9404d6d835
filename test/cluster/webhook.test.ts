import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { suite, test, type TestContext } from 'node:test';
import { stringify } from 'yaml';
import type { PlainObject } from '../apiserver/admin.ts';
import { isRealGiven } from '../apiserver/controlPlane.ts';
import type { Answer } from '../apiserver/testClient.ts';
import { missingForRendering } from '../helm/renderChart.ts';
import { OWN_NAMESPACE } from '../support/cluster.ts';
import { startKubectl } from '../support/kubectl.ts';
import { loadBalancer } from '../support/loadBalancer.ts';
import { ingress, nginx, service, settings } from '../support/manifests.ts';
import { lacks, lacksWhen } from '../support/requirement.ts';
import { until } from '../support/until.ts';
import { startAskingCluster, trustedBundle, untilAsked, type AskingCluster, type CertificateMode } from '../support/webhook.ts';

const missing = missingForRendering();
const skip = lacksWhen(missing !== null, missing ?? '');
/** By name: no kube-apiserver of a test reaches a Service, since nobody forwards its address. */
const needsServices = isRealGiven() ? 'a control plane without a network reaches no Service' : false;

const CLASS = { ingressClassName: 'gatehouse' };
const FAULT = nginx({ 'proxy-connect-timeout': 'soon' });
const DENIED = 'admission webhook "validate.gatehouse.dev" denied the request: ';
const FAULT_TEXT =
  'metadata.annotations[nginx.ingress.kubernetes.io/proxy-connect-timeout]: must be a number of seconds, or a number with ms, s, m, h or d (got "soon"); the default is used';

function web(name: string, host: string, annotations: Record<string, string> = {}): PlainObject {
  return ingress(name, host, [{ path: '/', service: 'web' }], { annotations, spec: CLASS }) as unknown as PlainObject;
}

function own(kind: string, name: string, spec: object): PlainObject {
  return { apiVersion: 'gatehouse.dev/v1', kind, metadata: { name, namespace: OWN_NAMESPACE }, spec };
}

const PATHS: Readonly<Record<string, string>> = {
  Ingress: '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
  Service: '/api/v1/namespaces/default/services',
  ConfigMap: '/api/v1/namespaces/default/configmaps',
  IPAddressPool: `/apis/gatehouse.dev/v1/namespaces/${OWN_NAMESPACE}/ipaddresspools`,
  BGPPeer: `/apis/gatehouse.dev/v1/namespaces/${OWN_NAMESPACE}/bgppeers`,
};

function post({ client }: AskingCluster, object: object, query = ''): Promise<Answer> {
  const path = PATHS[(object as PlainObject).kind] ?? assert.fail('no path of that kind');
  return client.post(`${path}${query}`, object);
}

/** What was refused, in the words of the API server. */
async function refusal(asking: AskingCluster, object: object, query = ''): Promise<string> {
  const { status, body } = await post(asking, object, query);
  assert.equal(status, 400, JSON.stringify(body));
  return String(body['message']);
}

/** Warnings of an answer that is a success. */
function warningsOf({ status, headers, text }: Answer): string {
  assert.ok(status === 200 || status === 201, text);
  return headers['warning'] ?? '';
}

async function startAsked(t: TestContext, mode: CertificateMode, values: object = {}): Promise<AskingCluster> {
  const asking = await startAskingCluster(t, { mode, values, prepare: async ({ admin }) => {
    await admin.create(web('old', 'old.example', FAULT));
    for (const object of service('web', [{ address: '192.0.2.80', port: 8080 }])) await admin.create(object as unknown as PlainObject);
    await admin.create(own('IPAddressPool', 'office', { addresses: ['192.0.2.0/28'] }));
    await admin.create(own('BGPPeer', 'router', { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' }));
  } });
  await asking.replica('one');
  await untilAsked(asking);
  return asking;
}

for (const mode of ['own', 'files'] as const) {
  const title = mode === 'own' ? 'by its Service, with certificates of its own' : 'by a URL, with certificates of somebody else';
  suite(`the API server asks ${title}`, { skip: skip || (mode === 'own' && needsServices), timeout: 120_000 }, () => {
    test('faulty objects are denied with the reason, good ones pass', async (t) => {
      const asking = await startAsked(t, mode);
      await judgesIngresses(asking);
      await judgesConfiguration(asking);
      await judgesServices(asking);
      await judgesOnlyWhatChanges(asking);
      await takesLargeObjects(asking);
    });
  });
}

async function judgesIngresses(asking: AskingCluster): Promise<void> {
  assert.equal(await refusal(asking, web('faulty', 'faulty.example', FAULT)), `${DENIED}${FAULT_TEXT}`);
  assert.equal(await refusal(asking, web('faulty', 'faulty.example', FAULT), '?dryRun=All'), `${DENIED}${FAULT_TEXT}`);
  assert.equal(warningsOf(await post(asking, web('good', 'good.example'), '?dryRun=All')), '');
  assert.equal((await asking.client.get(`${PATHS['Ingress']}/good`)).status, 404, 'asked, not made');
  assert.equal(warningsOf(await post(asking, web('good', 'good.example'))), '');
  await until('the webhook has seen it', async () => (await post(asking, web('second', 'good.example'), '?dryRun=All')).status === 400);
  assert.equal(
    await refusal(asking, web('second', 'good.example')),
    `${DENIED}spec.rules[0].http.paths[0]: host, path and type must not be those of an older Ingress; Ingress default/good has them ` +
      '(got "good.example prefix /"); Ingress default/good is served there',
  );
  const warned = warningsOf(await post(asking, web('warned', 'warned.example', nginx({ 'mirror-host': 'x' }))));
  assert.match(warned, /^299 - "metadata\.annotations\[nginx\.ingress\.kubernetes\.io\/mirror-host\]: .*not supported yet/);
  const foreign = { ...web('foreign', 'good.example', FAULT), spec: { ingressClassName: 'nginx', rules: [{ host: 'good.example' }] } };
  assert.equal(warningsOf(await post(asking, foreign)), '', 'of another class: nothing of ours');
}

async function judgesConfiguration(asking: AskingCluster): Promise<void> {
  const backwards = await refusal(asking, own('IPAddressPool', 'backwards', { addresses: ['198.51.100.9-198.51.100.1'] }));
  assert.ok(backwards.startsWith(`${DENIED}spec.addresses[0]: must not end before it begins`), backwards);
  const overlapping = await refusal(asking, own('IPAddressPool', 'twice', { addresses: ['192.0.2.8/29'] }));
  assert.match(overlapping, new RegExp(`^${DENIED}spec\\.addresses\\[0\\]: must not overlap IPAddressPool ${OWN_NAMESPACE}/office`));
  assert.equal(warningsOf(await post(asking, own('IPAddressPool', 'lab', { addresses: ['198.51.100.0/28'] }))), '');
  const contradicting = await refusal(asking, own('BGPPeer', 'twin', { myASN: 64_599, peerASN: 64_513, peerAddress: '192.0.2.1' }));
  assert.match(contradicting, new RegExp(`^${DENIED}.*BGPPeer ${OWN_NAMESPACE}/router`, 's'));
}

async function judgesServices(asking: AskingCluster): Promise<void> {
  const [astray = {}] = loadBalancer('astray', [{ port: 80, backends: [] }], { spec: { loadBalancerIP: '203.0.113.7' } });
  assert.match(warningsOf(await post(asking, astray)), /must be in an IPAddressPool/);
  const [plain = {}] = service('plain', []);
  assert.equal(warningsOf(await post(asking, plain)), '');
}

async function judgesOnlyWhatChanges(asking: AskingCluster): Promise<void> {
  const path = `${PATHS['Ingress']}/old`;
  assert.equal(warningsOf(await asking.client.patch(path, 'merge', { metadata: { labels: { team: 'edge' } } })), '');
  const kept = await asking.client.patch(path, 'merge', { spec: { rules: [{ host: 'older.example' }] } });
  assert.match(warningsOf(kept), /proxy-connect-timeout/, 'a fault that was there before is a warning');
  const worse = await asking.client.patch(path, 'merge', { metadata: { annotations: nginx({ 'proxy-read-timeout': 'never' }) } });
  assert.equal(worse.status, 400);
  assert.match(String(worse.body['message']), /proxy-read-timeout/);
}

/** An object about as large as can be stored (1.5 MiB in etcd, more as JSON), of which the webhook is told the old form and the new. */
async function takesLargeObjects(asking: AskingCluster): Promise<void> {
  const paths = Array.from({ length: 10_000 }, (_, index) => ({ path: `/${String(index).padStart(75, 'x')}`, service: 'web' }));
  const large = ingress('large', 'large.example', paths, { spec: CLASS }) as unknown as PlainObject;
  assert.equal(warningsOf(await post(asking, large)), '');
  const labelled = await asking.client.patch(`${PATHS['Ingress']}/large`, 'merge', { metadata: { annotations: FAULT } });
  assert.equal(labelled.status, 400, 'judged, not let through for its size');
  await hostileBodies(asking.port);
  assert.equal(await refusal(asking, web('faulty', 'faulty.example', FAULT)), `${DENIED}${FAULT_TEXT}`);
}

/** Bodies that no API server would send, by whoever reaches the port. */
async function hostileBodies(port: number): Promise<void> {
  const bodies = [Buffer.alloc(3 * 1024 * 1024, '['), Buffer.alloc(3 * 1024 * 1024, '"'), Buffer.from(`{"a":${'1'.repeat(3 * 1024 * 1024)}}`), Buffer.alloc(7 * 1024 * 1024 + 1, ' ')];
  const answers = await Promise.all(bodies.map((body) => statusLine(port, body)));
  assert.deepEqual(answers, ['HTTP/1.1 400 Bad Request', 'HTTP/1.1 400 Bad Request', 'HTTP/1.1 400 Bad Request', 'HTTP/1.1 413 Payload Too Large']);
}

async function statusLine(port: number, body: Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  // Cut off while it still writes: the answer is there by then.
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  socket.write(`POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString('latin1').split('\r\n')[0] ?? '';
}

const either: CertificateMode = isRealGiven() ? 'files' : 'own';

suite('when nobody answers', { skip, timeout: 120_000, concurrency: !isRealGiven() }, () => {
  for (const [failurePolicy, expected] of [['Ignore', 201], ['Fail', 500]] as const) {
    test(`failurePolicy ${failurePolicy}: ${expected === 201 ? 'everything is let through' : 'Ingresses wait, and nothing else does'}`, async (t) => {
      const asking = await startAskingCluster(t, { mode: either, values: { webhook: { failurePolicy } } });
      const { gatehouse } = await asking.replica('one');
      await untilAsked(asking);
      await gatehouse.stop();
      const { status, body } = await post(asking, web('faulty', 'faulty.example', FAULT));
      assert.equal(status, expected, JSON.stringify(body));
      if (status === 500) assert.match(String(body['message']), /failed calling webhook "validate\.gatehouse\.dev"/);
      const [balanced = {}] = loadBalancer('lb', [{ port: 80, backends: [] }]);
      for (const object of [balanced, settings({ a: 'b' })]) assert.equal(warningsOf(await post(asking, object)), '');
    });
  }
});

suite('kubectl', { skip: skip || lacks('kubectl'), timeout: 120_000 }, () => {
  test('says why an Ingress is refused; applying the chart once more takes no trust away', async (t) => {
    const asking = await startAsked(t, either);
    const kubectl = await startKubectl(asking.cluster.kubeconfig());
    t.after(() => kubectl.close());
    const refused = await kubectl.run(['apply', '-f', '-'], stringify(web('faulty', 'faulty.example', FAULT)));
    assert.equal(refused.code, 1);
    assert.ok(refused.stderr.includes(`${DENIED}${FAULT_TEXT}`), refused.stderr);
    const warned = await kubectl.run(['apply', '-f', '-'], stringify(web('warned', 'warned.example', nginx({ 'mirror-host': 'x' }))));
    assert.match(warned.stderr, /^Warning: metadata\.annotations\[nginx\.ingress\.kubernetes\.io\/mirror-host\]/);
    assert.equal(warned.code, 0);
    if (either === 'files') return;
    const before = await trustedBundle(asking);
    const text = asking.chart.objects.map((object) => stringify(object)).join('---\n');
    for (const more of [[], ['--server-side', '--force-conflicts']]) {
      const applied = await kubectl.run(['apply', ...more, '-f', '-'], text);
      assert.equal(applied.code, 0, applied.stderr);
      assert.equal(await trustedBundle(asking), before);
    }
  });
});

suite('two replicas', { skip: skip || needsServices, timeout: 90_000 }, () => {
  test('share one certificate: a Secret that is damaged and a leader that dies cost no request', async (t) => {
    const asking = await startAskingCluster(t, { mode: 'own', values: { webhook: { failurePolicy: 'Fail' } } });
    const leader = await asking.replica('one');
    await untilAsked(asking);
    const other = await asking.replica('two');
    asking.call(other.port);
    await untilAsked(asking);
    const bundle = await trustedBundle(asking);
    const requests = askAllTheTime(asking);
    const secret = { apiVersion: 'v1', kind: 'Secret', namespace: OWN_NAMESPACE, name: 'gatehouse-webhook-tls' };
    const content = async (): Promise<ReadonlyMap<string, string>> => new Map(Object.entries((await asking.cluster.admin.get(secret))?.['data'] as Readonly<Record<string, string>>));
    const garbage = Buffer.from('garbage').toString('base64');
    await asking.cluster.admin.patch(secret, { data: Object.fromEntries([...(await content()).keys()].map((key) => [key, garbage])) });
    await leader.gatehouse.kill();
    assert.equal(await trustedBundle(asking), bundle);
    // The other one leads once the Lease has run out, and mends what it finds: it serves what is trusted until the new authority is.
    const mended = await until('another authority is trusted', async () => {
      const now = await trustedBundle(asking);
      return now !== bundle && now;
    });
    assert.ok(mended.includes(bundle.trim()), 'what is in use stays trusted');
    await until('the Secret is whole', async () => ![...(await content()).values()].includes(garbage));
    await untilAsked(asking);
    assert.deepEqual(await requests.end(), []);
  });
});

/** Dry runs one after the other, good and faulty in turn; `end` says which were answered otherwise than they should be. */
function askAllTheTime(asking: AskingCluster): { end(): Promise<readonly string[]> } {
  let ends = false;
  const failures: string[] = [];
  let count = 0;
  const run = async (): Promise<void> => {
    for (; !ends; count += 1) {
      const [good, faulty] = await Promise.all([post(asking, web('a', 'a.example'), '?dryRun=All'), post(asking, web('b', 'b.example', FAULT), '?dryRun=All')]);
      if (good.status !== 201) failures.push(good.text);
      if (faulty.status !== 400) failures.push(faulty.text);
    }
  };
  const running = run();
  return {
    async end() {
      ends = true;
      await running;
      assert.ok(count > 10, `only ${count} requests`);
      return failures;
    },
  };
}
