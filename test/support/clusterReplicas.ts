import type { TestContext } from 'node:test';
import type { PlainObject } from '../apiserver/admin.ts';
import type { LoggedRequest } from '../apiserver/http/apiHandler.ts';
import type { Cluster } from './cluster.ts';
import { startClusterGatehouse, type ClusterGatehouse } from './clusterGatehouse.ts';
import { startClusterBackend } from './clusterBackends.ts';
import { watchStatuses, type StatusHistory } from './clusterHistory.ts';
import { addressesOf, apply, eventsOf, prepareNamespace, servicePlace } from './clusterObjects.ts';
import { ingress, service } from './manifests.ts';
import { send } from './send.ts';
import { until } from './until.ts';

/** One of several Gatehouses that watch the same namespace and agree by the same Lease. */
export interface Replica extends ClusterGatehouse {
  /** Its node, and the end of its user's name. */
  readonly name: string;
  readonly user: string;
  /** False while it is stopped by SIGSTOP, and once it has ended. */
  running: boolean;
}

/** A namespace with its own Lease, pool and replicas, so that several groups share an API server. */
export interface ReplicaGroup {
  readonly namespace: string;
  readonly replicas: readonly Replica[];
  /** What the Services of the namespace have shown since the start. */
  readonly history: StatusHistory;
  /** Adds that many Services that want an address; their names. */
  addServices(prefix: string, count: number): Promise<readonly string[]>;
  /** Waits until the Services have addresses. */
  addressed(names: readonly string[]): Promise<void>;
  /** Waits until all that run say the same leader, and gives it. `except`: not that one. */
  leader(except?: Replica): Promise<Replica>;
  /** Requests of a replica that change something else than the Lease; null: the API server does not tell. */
  writes(replica: Replica): readonly LoggedRequest[] | null;
  /** Nodes that Events of the group's Services name as where they come from. */
  eventHosts(): Promise<ReadonlySet<string>>;
  /** The group's web page through that replica; throws when it is not served. */
  browse(replica: Replica): Promise<void>;
}

const READ_VERBS: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

/** Starts the replicas at once, in a new namespace with a pool of these addresses and a web page. */
export async function startReplicas(
  t: TestContext,
  cluster: Cluster,
  { namespace, names, addresses }: { readonly namespace: string; readonly names: readonly string[]; readonly addresses: readonly string[] },
): Promise<ReplicaGroup> {
  const userOf = (name: string): string => `${namespace}-${name}`;
  await prepareNamespace(cluster, namespace, names.map(userOf));
  const backend = await startClusterBackend(t, namespace);
  const web = ingress('web', 'web.test', [{ path: '/', service: 'web' }], { namespace, spec: { ingressClassName: 'nginx' } });
  await apply(cluster, [poolOf(namespace, addresses), ...service('web', [backend], namespace), web]);
  const history = await watchStatuses(t, cluster, namespace);
  const replicas = await Promise.all(names.map((name) => startReplica(t, cluster, { name, namespace, user: userOf(name) })));
  const group: ReplicaGroup = {
    namespace,
    replicas,
    history,
    addServices: async (prefix, count) => {
      const added = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
      await apply(cluster, added.map((name) => serviceOf(name, namespace)));
      return added;
    },
    addressed: async (services) => {
      for (const name of services) await until(`${name} has an address`, async () => addressesOf(await cluster.admin.get(servicePlace(name, namespace))).length > 0);
    },
    leader: (except) => until('all agree who leads', () => leaderAmong(replicas, except)),
    writes: (replica) => cluster.requests?.filter((request) => request.user === replica.user && !READ_VERBS.has(request.verb) && request.resource !== 'leases') ?? null,
    eventHosts: async () => {
      const events = await Promise.all([...history.shown.keys()].map((name) => eventsOf(cluster, servicePlace(name, namespace))));
      return new Set(events.flat().map(({ source }) => source.host));
    },
    browse: async (replica) => {
      const { status, body } = await send({ port: replica.http, host: 'web.test' });
      if (status !== 200 || body !== namespace) throw new Error(`${replica.name} answered ${status} ${body}`);
    },
  };
  return group;
}

/** The pool `lan` of a namespace. */
export function poolOf(namespace: string, addresses: readonly string[]): PlainObject {
  return { apiVersion: 'gatehouse.dev/v1', kind: 'IPAddressPool', metadata: { name: 'lan', namespace }, spec: { addresses } };
}

function serviceOf(name: string, namespace: string): PlainObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP' }] } };
}

async function startReplica(t: TestContext, cluster: Cluster, { name, namespace, user }: { readonly name: string; readonly namespace: string; readonly user: string }): Promise<Replica> {
  const gatehouse = await startClusterGatehouse({
    kubeconfig: cluster.kubeconfig(user),
    nodeName: name,
    // The addresses are nobody's: several processes on one machine could not have them each.
    args: ['--namespace', namespace, '--watch-namespace', namespace, '--vips', 'off'],
    waits: false,
  });
  const replica: Replica = Object.assign(gatehouse, { name, user, running: true });
  gatehouse.process.on('exit', () => (replica.running = false));
  // A process that is stopped ends by nothing else.
  t.after(() => replica.kill());
  await gatehouse.ready;
  return replica;
}

async function leaderAmong(replicas: readonly Replica[], except: Replica | undefined): Promise<Replica | null> {
  const running = replicas.filter((replica) => replica.running);
  const views = await Promise.all(running.map(async (replica) => (await replica.status()).leader));
  const leading = running.filter((_, index) => views[index]?.self === true);
  const [leader] = leading;
  if (leading.length > 1) throw new Error(`${leading.map(({ name }) => name).join(' and ')} lead at once`);
  const agreed = views.every((view) => view?.name === views[0]?.name);
  return leader === undefined || leader === except || !agreed ? null : leader;
}
