import type { Registry } from 'prom-client';
import type { Logger } from '../../core/log/logger.ts';
import { systemClock } from '../../core/time/clock.ts';
import { createKubeApi } from '../cluster/kubeClient.ts';
import { loadKubeConfig } from '../cluster/loadKubeConfig.ts';
import type { KubeApi } from '../cluster/kubeApi.ts';
import { newIdentity } from '../election/identity.ts';
import { createLeaseElection, type LeaseElection } from '../election/leaseElection.ts';
import { ALWAYS_LEADER, type Leadership } from '../election/leadership.ts';
import { exposeCluster } from '../metrics/clusterMetrics.ts';
import { createClusterSource, type ClusterSource } from '../sources/cluster/clusterSource.ts';
import { foreignKinds } from '../sources/cluster/foreignKinds.ts';
import type { Kind } from '../model/objects.ts';
import type { PublishedInput } from '../status/publishedAddresses.ts';
import { createNodeWriter } from '../writers/nodeWriter.ts';
import { createSessionEventWriter } from '../writers/sessionEventWriter.ts';
import { systemSchedule } from '../writers/schedule.ts';
import { createStatusWriter } from '../writers/statusWriter.ts';
import { createWebhook } from '../webhook/webhook.ts';
import { clusterLeases } from './vipLeases/clusterLeases.ts';
import { createSettledLeadership } from '../election/settledLeadership.ts';
import type { ServeOptions, SourceParts } from './assembleGatehouse.ts';
import type { ClusterOptions } from './clusterOptions.ts';
import { electionCompanion, nodeWriterCompanion, sessionEventsCompanion, statusWriterCompanion, webhookCompanion } from './companions.ts';
import type { Companion } from './gatehouse.ts';

/** A Gatehouse whose objects come from an API server. */
export interface ClusterServeOptions extends Pick<ServeOptions, 'version' | 'nodeName' | 'translation'> {
  readonly cluster: ClusterOptions;
}

/** What the whole program shares. */
export interface ClusterTools {
  readonly logger: Logger;
  readonly registry: Registry;
}

/** A cluster keeps who has which address in the Services' statuses. */
const KEPT_BY_CLUSTER: SourceParts['assignments'] = { load: () => new Map(), save: () => {}, flush: () => Promise.resolve() };

/** What decides who gets which address. */
const GIVEN_BY: readonly Kind[] = ['Service', 'IPAddressPool', 'Namespace'];

/** Everything that speaks with the API server; nothing is asked yet. Throws when it is not clear where that is. */
export async function assembleCluster(options: ClusterServeOptions, tools: ClusterTools): Promise<SourceParts> {
  const { cluster, version, nodeName, translation } = options;
  const { kubeconfig, context } = cluster;
  const connection = await loadKubeConfig({ kubeconfig, context, inCluster: kubeconfig === null, environment: process.env });
  const api = createKubeApi(connection, { version });
  const source = createClusterSource({
    api,
    namespaces: translation.watchNamespaces,
    ownNamespace: cluster.namespace,
    serviceNamespaces: [translation.publishService, cluster.ownService].flatMap((key) => key?.split('/', 1) ?? []),
    secrets: cluster.secrets,
    foreignKinds: foreignKinds(cluster.compat),
    logger: tools.logger,
  });
  const election = createElection(options, api, tools.logger);
  const leadership = election === null ? ALWAYS_LEADER : createSettledLeadership(election, () => source.resync(GIVEN_BY));
  const published = { fixed: cluster.publishStatusAddresses, ownService: cluster.ownService };
  const writers = cluster.updateStatus ? createWriters({ api, leadership, nodeName, namespace: cluster.namespace, published, translation }, tools.logger) : [];
  exposeCluster(tools.registry, { source, election, leadership, writers: writers.map(({ counts }) => counts) });
  const webhook = cluster.webhook === null ? [] : [createWebhookCompanion(cluster.webhook, { api, leadership, namespace: cluster.namespace, tools })];
  return {
    source: closing(source, api),
    assignments: KEPT_BY_CLUSTER,
    leadership,
    elects: election !== null,
    waitingFor: () => unsynced(source),
    published,
    createVipLeases: cluster.vipLeases ? clusterLeases({ api, namespace: cluster.namespace, nodeName, logger: tools.logger }) : null,
    // The lease is given back when those have ended that write by its right.
    companions: [...(election === null ? [] : [electionCompanion(election)]), ...writers.map(({ companion }) => companion), ...webhook],
  };
}

function createElection({ cluster, nodeName }: ClusterServeOptions, api: KubeApi, logger: Logger): LeaseElection | null {
  const { electionLease: name, namespace } = cluster;
  if (name === null) return null;
  const wallClock = { now: () => Date.now() };
  return createLeaseElection({ api, namespace, name, identity: newIdentity(nodeName), clock: systemClock, wallClock, random: Math.random, logger });
}

interface WriterParts {
  readonly api: KubeApi;
  /** Own. */
  readonly namespace: string;
  readonly leadership: Leadership;
  readonly nodeName: string;
  readonly published: Pick<PublishedInput, 'fixed' | 'ownService'>;
  readonly translation: ServeOptions['translation'];
}

type CountedWriter = { readonly companion: Companion; readonly counts: ReturnType<typeof createStatusWriter>['counts'] };

function createWriters({ published, translation, namespace, ...parts }: WriterParts, logger: Logger): readonly CountedWriter[] {
  const dependencies = { ...parts, clock: systemClock, wallClock: Date.now, random: Math.random, schedule: systemSchedule, logger };
  const statusWriter = createStatusWriter(dependencies);
  const nodeWriter = createNodeWriter({ ...dependencies, installation: namespace });
  const sessionEvents = createSessionEventWriter(dependencies);
  const { publishService } = translation;
  return [
    { companion: statusWriterCompanion(statusWriter, { ...published, publishService }), counts: () => statusWriter.counts() },
    { companion: nodeWriterCompanion(nodeWriter), counts: () => nodeWriter.counts() },
    { companion: sessionEventsCompanion(sessionEvents), counts: () => sessionEvents.counts() },
  ];
}

interface WebhookTools {
  readonly api: KubeApi;
  readonly leadership: Leadership;
  readonly namespace: string;
  readonly tools: ClusterTools;
}

function createWebhookCompanion(
  { listen, files, clientCa, ...names }: NonNullable<ClusterOptions['webhook']>,
  { api, leadership, namespace, tools }: WebhookTools,
): Companion {
  const certificates =
    files === null
      ? ({ type: 'own', api, leadership, names: { ...names, namespace } } as const)
      : ({ type: 'files', certificateFile: files.certificate, keyFile: files.key } as const);
  return webhookCompanion((context) => createWebhook({ listen, certificates, clientAuthorityFile: clientCa, context, ...tools }));
}

/** The connections to the API server are closed when the last part that uses them has stopped: the source. */
function closing(source: ClusterSource, api: KubeApi): ClusterSource {
  return {
    start: (onBatch) => source.start(onBatch),
    want: (refs) => source.want(refs),
    health: () => source.health(),
    resync: (kinds) => source.resync(kinds),
    stop: async () => {
      await source.stop();
      api.close();
    },
  };
}

function unsynced(source: ClusterSource): readonly string[] {
  const { synced, collections } = source.health();
  return synced ? [] : [...new Set(collections.filter((collection) => !collection.synced).map(({ kind }) => kind))];
}
