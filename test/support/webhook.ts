import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from '../../bench/child.ts';
import { at, records, text } from '../apiserver/json.ts';
import { clientOf, type TestClient } from '../apiserver/testClient.ts';
import type { KubeManifest } from '../helm/renderChart.ts';
import { makeAuthority, makeLeaf } from './certificates.ts';
import { OWN_NAMESPACE, startCluster, type Cluster } from './cluster.ts';
import { startClusterGatehouse, type ClusterGatehouse } from './clusterGatehouse.ts';
import { installChart, type InstalledChart } from './installChart.ts';
import { until } from './until.ts';

/** `own`: Gatehouse makes the certificates, and the API server calls it by its Service. `files`: both are the test's doing. */
export type CertificateMode = 'own' | 'files';

/** A cluster that asks Gatehouse about changes. */
export interface AskingCluster {
  readonly cluster: Cluster;
  readonly chart: InstalledChart;
  /** An administrator, with status, headers and body of each answer. */
  readonly client: TestClient;
  /** Where the first one's webhook is. */
  readonly port: number;
  /** Starts one more; the API server calls the one that `call` names last. */
  replica(nodeName: string): Promise<{ readonly gatehouse: ClusterGatehouse; readonly port: number }>;
  /** Has the API server call this port: what a Service does when it chooses a Pod. */
  call(port: number): void;
}

const CONFIGURATION = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', name: 'gatehouse' } as const;

/** Starts a cluster with the chart and `prepare`d objects, without any Gatehouse yet. Everything ends with the test. */
export async function startAskingCluster(
  t: Pick<TestContext, 'after'>,
  { mode, values = {}, prepare }: { readonly mode: CertificateMode; readonly values?: object; readonly prepare?: (cluster: Cluster) => Promise<void> },
): Promise<AskingCluster> {
  const port = await freePort();
  const services = new Map([[`${OWN_NAMESPACE}/gatehouse-webhook`, `127.0.0.1:${port}`]]);
  const cluster = await startCluster({ rbac: true, webhookServices: services });
  t.after(() => cluster.stop());
  await prepare?.(cluster);
  const files = mode === 'files' ? await makeFiles(t) : null;
  // A BGPPeer would have an announcer speak from this machine itself.
  const chart = await installChart(cluster, { loadBalancer: { vips: 'bind' }, ...values }, (object) =>
    files !== null && object.kind === CONFIGURATION.kind ? calledByUrl(object, { port, authorityPem: files.authorityPem }) : object,
  );
  const client = clientOf(cluster.kubeconfig());
  t.after(() => client.close());
  return {
    cluster, chart, client, port,
    call: (wanted) => void services.set(`${OWN_NAMESPACE}/gatehouse-webhook`, `127.0.0.1:${wanted}`),
    async replica(nodeName) {
      const own = nodeName === 'one' ? port : await freePort();
      const args = [...chart.args, '--webhook', `127.0.0.1:${own}`, ...(files?.args ?? [])];
      const gatehouse = await startClusterGatehouse({ kubeconfig: cluster.kubeconfig(chart.user), nodeName, args });
      t.after(() => gatehouse.stop());
      return { gatehouse, port: own };
    },
  };
}

/** Waits until the API server's calls arrive, trusted, at a Gatehouse that judges: until what is faulty is refused. */
export async function untilAsked({ client }: AskingCluster): Promise<void> {
  const probe = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'probe', namespace: 'default', annotations: { 'nginx.ingress.kubernetes.io/proxy-connect-timeout': 'probe' } },
    spec: { ingressClassName: 'gatehouse', rules: [{ host: 'probe.example' }] },
  };
  await until('the webhook is asked', async () => {
    const { status } = await client.post('/apis/networking.k8s.io/v1/namespaces/default/ingresses?dryRun=All', probe);
    return status === 400;
  });
}

/** The authorities that the configuration trusts, PEM; empty: none yet. */
export async function trustedBundle({ cluster }: AskingCluster): Promise<string> {
  const configuration = await cluster.admin.get(CONFIGURATION);
  return Buffer.from(text(at(records(configuration?.['webhooks'])[0], 'clientConfig', 'caBundle')), 'base64').toString();
}

interface Files {
  readonly authorityPem: string;
  readonly args: readonly string[];
}

async function makeFiles(t: Pick<TestContext, 'after'>): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-webhook-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const authority = makeAuthority('Webhook Root');
  const leaf = makeLeaf(authority, 'localhost');
  const [certificate, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  await writeFile(certificate, leaf.certificatePem);
  await writeFile(key, leaf.privateKeyPem, { mode: 0o600 });
  return { authorityPem: authority.certificatePem, args: ['--webhook-certificate', certificate, '--webhook-key', key] };
}

/** No real API server of a test reaches a Service. */
function calledByUrl(configuration: KubeManifest, { port, authorityPem }: { readonly port: number; readonly authorityPem: string }): KubeManifest {
  const clientConfig = { url: `https://localhost:${port}/validate`, caBundle: Buffer.from(authorityPem).toString('base64') };
  return { ...configuration, webhooks: records(configuration['webhooks']).map((webhook) => ({ ...webhook, clientConfig })) };
}
