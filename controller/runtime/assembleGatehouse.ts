import type { Logger, LogLevel } from '../../core/log/logger.ts';
import { systemClock } from '../../core/time/clock.ts';
import { existsSync } from 'node:fs';
import { meetingPlace } from '../announcer/takeover/meetingPlace.ts';
import type { AnnouncerSettings } from '../announcer/wanted.ts';
import { createAssignmentStore, type AssignmentStore } from '../assignments/assignmentStore.ts';
import { makeDefaultCertificate } from '../certificates/defaultCertificate.ts';
import { MetricsHub } from '../metrics/metricsHub.ts';
import { createAnnouncerProcess, DEFAULT_ANNOUNCER_FOLDER } from '../processes/announcerProcess.ts';
import { announcerPermitted } from '../processes/announcerPermission.ts';
import { ProxyProcess } from '../processes/proxyProcess.ts';
import { createManifestSource } from '../sources/manifests/manifestSource.ts';
import { ALWAYS_LEADER } from '../election/leadership.ts';
import { translate } from '../translate/translate.ts';
import type { TranslateOptions } from '../translate/translation.ts';
import type { CreateAnnouncer } from './announcerControl.ts';
import type { ClusterTools } from './assembleCluster.ts';
import type { ClusterOptions } from './clusterOptions.ts';
import { createGatehouse, type Gatehouse, type GatehouseParts } from './gatehouse.ts';
import type { ListenAddress } from './listenAddress.ts';
import { healthCheckCompanion } from './healthChecks/healthCheckPorts.ts';
import { localAddresses, machineAddresses } from './machineAddresses.ts';
import { createLeasingAnnouncer } from './vipLeases/leasingAnnouncer.ts';
import type { CreateVipLeases } from './vipLeases/clusterLeases.ts';
import { translateOptions, type FoundFacts, type TranslationChoices } from './translationChoices.ts';

/** Where objects come from, and where it is kept who has which address: in a file (absent: nowhere), or in the cluster itself. */
export type ObjectSource =
  | { readonly type: 'manifests'; readonly paths: readonly string[]; readonly stateFile?: string }
  | { readonly type: 'cluster'; readonly options: ClusterOptions };

/** One Gatehouse, as `run` and `demo` start it. */
export interface ServeOptions {
  readonly version: string;
  readonly source: ObjectSource;
  readonly http: readonly ListenAddress[];
  readonly https: readonly ListenAddress[];
  readonly admin: ListenAddress;
  readonly workers: number;
  readonly nodeName: string;
  readonly translation: TranslationChoices;
  /** Null: VIPs are neither announced nor forwarded by the kernel. */
  readonly announcer: AnnouncerSettings | null;
  readonly drainTimeoutMs: number;
  readonly logLevel: LogLevel;
  /** Of the log, and of the access log: ingress-nginx's line or JSON. */
  readonly logFormat: 'text' | 'json';
  /** Also give request metrics under ingress-nginx's names. */
  readonly ingressNginxMetrics: boolean;
}

/** Keeps nothing. */
const FORGETFUL: AssignmentStore = { load: () => new Map(), save: () => {}, flush: () => Promise.resolve() };

/** What depends on where objects come from. */
export type SourceParts = Pick<
  GatehouseParts,
  'source' | 'assignments' | 'leadership' | 'elects' | 'waitingFor' | 'published' | 'companions'
> & {
  /** Null: nobody keeps Leases for VIPs. */
  readonly createVipLeases: CreateVipLeases | null;
};

/** Of a Gatehouse that has nobody beside it. */
const ALONE: Omit<SourceParts, 'source' | 'assignments'> = {
  leadership: ALWAYS_LEADER,
  elects: false,
  waitingFor: () => [],
  published: { fixed: [], ownService: null },
  companions: [],
  createVipLeases: null,
};

/** Puts the real parts together; nothing runs yet. */
export async function assembleGatehouse(options: ServeOptions, logger: Logger): Promise<Gatehouse> {
  const defaultCertificate = makeDefaultCertificate(Date.now());
  const { workers, logLevel, logFormat } = options;
  const listeners = [
    ...options.http.map((address) => ({ protocol: 'http' as const, ...address })),
    ...options.https.map((address) => ({ protocol: 'https' as const, ...address })),
  ];
  const proxyOptions = { listeners, workers, logLevel, logFormat, accessLogFormat: logFormat, keepUser: false };
  const kernelRefusal = whyNoKernel(options);
  const leaseRefusal = whyNoLeases(options);
  const found = { kernelRefusal, leaseRefusal, nodeName: options.nodeName, l4Addresses: [...new Set(listeners.map(({ address }) => address))] };
  const metrics = new MetricsHub({ ingressNginxNames: options.ingressNginxMetrics, metallbNames: readsMetallb(options) });
  const choices = (known: Partial<FoundFacts>): TranslateOptions =>
    translateOptions(options.translation, defaultCertificate, Date.now(), { ...found, ...known });
  const { createVipLeases, ...sourceParts } = await partsOfSource(options, { logger, registry: metrics.registry });
  return createGatehouse({ ...options, publishService: options.translation.publishService }, {
    ...sourceParts,
    companions: [...sourceParts.companions, ...(kernelRefusal === null ? [healthCheckCompanion({ nodeName: options.nodeName, logger })] : [])],
    translate,
    translateOptions: choices,
    localAddresses,
    createProxy: (events) => new ProxyProcess(proxyOptions, { events, logger, clock: systemClock }),
    createAnnouncer: kernelRefusal === null ? announcerCreator(options, createVipLeases, { metrics, logger }) : null,
    announcesAlways: options.translation.vips === 'kernel' || hasPredecessor(),
    metrics,
    machineAddresses,
    logger,
  });
}

function readsMetallb({ source }: ServeOptions): boolean {
  return source.type === 'cluster' && source.options.compat.includes('metallb');
}

/** An announcer of this network namespace runs, or has not tidied up after itself. */
function hasPredecessor(): boolean {
  return process.platform === 'linux' && existsSync(meetingPlace(DEFAULT_ANNOUNCER_FOLDER));
}

/** In words; null: this process may program the kernel, and is asked to. */
function whyNoKernel({ announcer, translation: { vips } }: ServeOptions): string | null {
  if (announcer === null || vips === 'bind' || vips === 'off') return `--vips ${vips} is given`;
  const permission = announcerPermitted();
  return permission.permitted ? null : permission.reason;
}

/** In words; null: this process keeps Leases for VIPs. */
function whyNoLeases({ source }: ServeOptions): string | null {
  if (source.type === 'manifests') return 'a Lease is kept in an API server, and objects come from manifests here';
  return source.options.vipLeases ? null : '--vip-leases is not given (announcer.leases of the chart)';
}

interface AnnouncerTools {
  readonly metrics: MetricsHub;
  readonly logger: Logger;
}

function announcerCreator(
  { announcer: settings, logLevel, logFormat }: ServeOptions, createLeases: CreateVipLeases | null, { metrics, logger }: AnnouncerTools,
): CreateAnnouncer | null {
  if (settings === null) return null;
  // Its ends are logged where it is started again.
  const quiet = { ready: () => logger.info('the announcer is at work'), exited: () => metrics.announcer.restarted() };
  const options = { settings, logLevel, logFormat, keepUser: false };
  const dependencies = { logger, clock: systemClock };
  if (createLeases === null) return (events) => createAnnouncerProcess(options, { events: { ...events, ...quiet }, ...dependencies });
  return (events) => createLeasingAnnouncer({
    createLeases,
    createAnnouncer: (leaseWishes) => createAnnouncerProcess(options, { events: { ...events, ...quiet, leaseWishes }, ...dependencies }),
  });
}

async function partsOfSource(options: ServeOptions, tools: ClusterTools): Promise<SourceParts> {
  const { source } = options;
  if (source.type === 'manifests') {
    const { stateFile, paths } = source;
    const assignments = stateFile === undefined ? FORGETFUL : createAssignmentStore({ path: stateFile, logger: tools.logger });
    return { ...ALONE, source: createManifestSource({ paths }), assignments };
  }
  // Loaded only where there is a cluster: its client is large.
  const { assembleCluster } = await import('./assembleCluster.ts');
  return assembleCluster({ ...options, cluster: source.options }, tools);
}
