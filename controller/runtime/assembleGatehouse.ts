import type { Logger, LogLevel } from '../../core/log/logger.ts';
import { systemClock } from '../../core/time/clock.ts';
import { createAssignmentStore, type AssignmentStore } from '../assignments/assignmentStore.ts';
import { makeDefaultCertificate } from '../certificates/defaultCertificate.ts';
import { MetricsHub } from '../metrics/metricsHub.ts';
import { ProxyProcess } from '../processes/proxyProcess.ts';
import { createManifestSource } from '../sources/manifests/manifestSource.ts';
import { translate } from '../translate/translate.ts';
import { createGatehouse, type Gatehouse } from './gatehouse.ts';
import type { ListenAddress } from './listenAddress.ts';
import { localAddresses, machineAddresses } from './machineAddresses.ts';
import { translateOptions, type TranslationChoices } from './translationChoices.ts';

/** One Gatehouse that serves folders of manifests, as `run` and `demo` start it. */
export interface ServeOptions {
  readonly version: string;
  readonly manifests: readonly string[];
  readonly http: readonly ListenAddress[];
  readonly https: readonly ListenAddress[];
  readonly admin: ListenAddress;
  readonly workers: number;
  readonly nodeName: string;
  readonly translation: TranslationChoices;
  /** Absolute path of the file where assignments are kept; absent: they last as long as the process. */
  readonly stateFile?: string;
  readonly drainTimeoutMs: number;
  readonly logLevel: LogLevel;
  /** Of the log, and of the access log: ingress-nginx's line or JSON. */
  readonly logFormat: 'text' | 'json';
  /** Also give request metrics under ingress-nginx's names. */
  readonly ingressNginxMetrics: boolean;
}

/** Keeps nothing. */
const FORGETFUL: AssignmentStore = { load: () => new Map(), save: () => {}, flush: () => Promise.resolve() };

/** Puts the real parts together; nothing runs yet. */
export function assembleGatehouse(options: ServeOptions, logger: Logger): Gatehouse {
  const defaultCertificate = makeDefaultCertificate(Date.now());
  const { workers, logLevel, logFormat, stateFile } = options;
  const listeners = [
    ...options.http.map((address) => ({ protocol: 'http' as const, ...address })),
    ...options.https.map((address) => ({ protocol: 'https' as const, ...address })),
  ];
  const proxyOptions = { listeners, workers, logLevel, logFormat, accessLogFormat: logFormat, keepUser: false };
  const found = { nodeName: options.nodeName, l4Addresses: [...new Set(listeners.map(({ address }) => address))] };
  return createGatehouse({ ...options, publishService: options.translation.publishService }, {
    source: createManifestSource({ paths: options.manifests }),
    translate,
    translateOptions: (known) => translateOptions(options.translation, defaultCertificate, Date.now(), { ...known, ...found }),
    assignments: stateFile === undefined ? FORGETFUL : createAssignmentStore({ path: stateFile, logger }),
    localAddresses,
    createProxy: (events) => new ProxyProcess(proxyOptions, { events, logger, clock: systemClock }),
    metrics: new MetricsHub({ ingressNginxNames: options.ingressNginxMetrics }),
    machineAddresses,
    logger,
  });
}
