import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { stringify } from 'yaml';
import { startCluster, type Cluster } from '../support/cluster.ts';
import { startKubectl, strictValidation, type Kubectl } from '../support/kubectl.ts';
import { lacks, lacksWhen } from '../support/requirement.ts';
import { COMBINATIONS } from './combinations.ts';
import { missingForRendering, parseObjects, renderObjects, type KubeManifest } from './renderChart.ts';

const MANIFEST = join(import.meta.dirname, '../../deploy/gatehouse.yaml');

const missing = missingForRendering();
const skip = lacksWhen(missing !== null, missing ?? '') || lacks('kubectl');

/** As much of the Prometheus Operator's CRD as the chart uses, and nothing beside it: a field that it does not have is an error. */
const POD_MONITORS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'podmonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'PodMonitor', listKind: 'PodMonitorList', plural: 'podmonitors', singular: 'podmonitor' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', required: ['spec'], properties: { spec: podMonitorSpec() } } } }],
  },
};

function podMonitorSpec(): object {
  const text = { type: 'string' };
  const selector = { type: 'object', properties: { matchLabels: { type: 'object', additionalProperties: text } } };
  const duration = { type: 'string', pattern: '^(0|(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$' };
  const endpoint = { type: 'object', properties: { port: text, path: text, interval: duration } };
  return { type: 'object', required: ['selector', 'podMetricsEndpoints'], properties: { selector, podMetricsEndpoints: { type: 'array', items: endpoint } } };
}

suite('a cluster takes what the chart renders', { skip, timeout: 300_000 }, () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  let strict: string;
  before(async () => {
    cluster = await startCluster();
    kubectl = await startKubectl(cluster.kubeconfig());
    strict = strictValidation();
    await cluster.admin.create(POD_MONITORS);
  });
  after(async () => {
    await kubectl?.close();
    await cluster?.stop();
  });

  function placeOf({ apiVersion, kind, metadata }: KubeManifest): { apiVersion: string; kind: string; name: string; namespace?: string } {
    return { apiVersion, kind, ...metadata };
  }

  /** `kind/name` → resourceVersion, of those that are there. */
  async function versionsOf(objects: readonly KubeManifest[]): Promise<ReadonlyMap<string, string | undefined>> {
    const versions = new Map<string, string | undefined>();
    for (const object of objects) {
      const found = await cluster.admin.get(placeOf(object));
      if (found !== null) versions.set(`${object.kind}/${object.metadata.name}`, found.metadata.resourceVersion);
    }
    return versions;
  }

  for (const [name, values] of COMBINATIONS) {
    test(`${name}: made, and the same again changes nothing`, async (t) => {
      const objects = renderObjects({ values });
      t.after(async () => {
        for (const object of objects.toReversed()) if ((await cluster.admin.get(placeOf(object))) !== null) await cluster.admin.delete(placeOf(object));
      });
      // The administrator's client has fields that do not exist refused.
      for (const object of objects) await cluster.admin.create(object);
      const created = await versionsOf(objects);
      assert.equal(created.size, objects.length);
      for (const object of objects) await cluster.admin.patch(placeOf(object), object);
      assert.deepEqual(await versionsOf(objects), created);
    });

    test(`${name}: kubectl has no warning, and applying it again changes nothing`, async () => {
      const objects = renderObjects({ values });
      const text = objects.map((object) => stringify(object)).join('---\n');
      const apply = ['apply', '--server-side', strict, '-f', '-'];
      const first = await kubectl.run(apply, text);
      assert.deepEqual([first.code, first.stderr], [0, '']);
      const versions = await versionsOf(objects);
      const second = await kubectl.run(apply, text);
      assert.deepEqual([second.code, second.stderr], [0, '']);
      assert.deepEqual(await versionsOf(objects), versions);
      const removed = await kubectl.run(['delete', '--wait=false', '-f', '-'], text);
      assert.deepEqual([removed.code, removed.stderr], [0, '']);
      assert.deepEqual(await versionsOf(objects), new Map());
    });
  }

  test('kubectl apply of deploy/gatehouse.yaml, twice, and back', async () => {
    const objects = parseObjects(readFileSync(MANIFEST, 'utf8'));
    const lines = (text: string): readonly string[] => text.trim().split('\n');
    const first = await kubectl.run(['apply', strict, '-f', MANIFEST]);
    assert.equal(first.code, 0, first.stderr);
    // Namespace and CRDs were here before, made by somebody else.
    const warnings = lines(first.stderr).filter((line) => !/missing the kubectl\.kubernetes\.io\/last-applied-configuration annotation/.test(line));
    assert.deepEqual(warnings.filter((line) => line !== ''), []);
    const second = await kubectl.run(['apply', strict, '-f', MANIFEST]);
    assert.deepEqual([second.code, second.stderr], [0, '']);
    assert.deepEqual(lines(second.stdout).filter((line) => !line.endsWith(' unchanged')), []);
    assert.equal(lines(second.stdout).length, objects.length);
    // From the one way to the other, as docs/install.md has it: nothing is taken for a conflict.
    const serverSide = await kubectl.run(['apply', '--server-side', strict, '-f', MANIFEST]);
    assert.equal(serverSide.code, 0, serverSide.stderr);
    const removed = await kubectl.run(['delete', '--wait=false', '--ignore-not-found', '-f', MANIFEST]);
    assert.equal(removed.code, 0, removed.stderr);
    const isLeft = ({ kind }: KubeManifest): boolean => kind !== 'Namespace' && kind !== 'CustomResourceDefinition';
    assert.deepEqual(await versionsOf(objects.filter((object) => isLeft(object))), new Map());
  });
});
