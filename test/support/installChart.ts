import { renderObjects, type KubeManifest } from '../helm/renderChart.ts';
import type { Cluster } from './cluster.ts';

/** What the harness says itself: addresses of a machine of its own. */
const OWN_FLAGS = ['--namespace', '--node-name', '--http', '--https', '--admin', '--webhook', '--workers', '--log-format', '--drain-timeout'];

/** A chart whose objects are in a cluster, but for the Pods: who starts Gatehouse is the test. */
export interface InstalledChart {
  readonly objects: readonly KubeManifest[];
  /** User of the ServiceAccount, for Cluster.kubeconfig. */
  readonly user: string;
  /** Arguments of the container, without those that say where to listen. */
  readonly args: readonly string[];
}

/** The chart with these values, not applied yet. */
export function renderedChart(values: Readonly<Record<string, unknown>>): InstalledChart {
  const objects = renderObjects({ values });
  const workload = objects.find(({ kind }) => kind === 'DaemonSet' || kind === 'Deployment');
  if (workload === undefined) throw new Error('the chart has rendered neither a DaemonSet nor a Deployment');
  const { spec } = (workload['spec'] as { readonly template: { readonly spec: PodSpec } }).template;
  const args = (spec.containers[0]?.args ?? []).slice(1).map((arg) => arg.replace('$(POD_NAMESPACE)', 'gatehouse-system'));
  return {
    objects: objects.filter((object) => object !== workload),
    user: `system:serviceaccount:gatehouse-system:${spec.serviceAccountName}`,
    args: args.filter((arg) => !OWN_FLAGS.includes(arg.replace(/=.*/, ''))),
  };
}

interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly { readonly args: readonly string[] }[];
}

/** Applies the chart's objects, those that `change` gives for each. */
export async function installChart(
  cluster: Pick<Cluster, 'admin'>,
  values: Readonly<Record<string, unknown>>,
  change: (object: KubeManifest) => KubeManifest = (object) => object,
): Promise<InstalledChart> {
  const chart = renderedChart(values);
  for (const object of chart.objects) await cluster.admin.create(change(object));
  return chart;
}
