import { networkInterfaces } from 'node:os';
import type { Logger, LogLevel } from '../../core/log/logger.ts';
import { systemClock } from '../../core/time/clock.ts';
import { makeDefaultCertificate } from '../certificates/defaultCertificate.ts';
import { MetricsHub } from '../metrics/metricsHub.ts';
import { ProxyProcess } from '../processes/proxyProcess.ts';
import { createManifestSource } from '../sources/manifests/manifestSource.ts';
import { translate } from '../translate/translate.ts';
import { createGatehouse, type Gatehouse } from './gatehouse.ts';
import type { ListenAddress } from './listenAddress.ts';
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
  readonly drainTimeoutMs: number;
  readonly logLevel: LogLevel;
  /** Of the log, and of the access log: ingress-nginx's line or JSON. */
  readonly logFormat: 'text' | 'json';
  /** Also give request metrics under ingress-nginx's names. */
  readonly ingressNginxMetrics: boolean;
}

/** Puts the real parts together; nothing runs yet. */
export function assembleGatehouse(options: ServeOptions, logger: Logger): Gatehouse {
  const defaultCertificate = makeDefaultCertificate(Date.now());
  const { workers, logLevel, logFormat } = options;
  const listeners = [
    ...options.http.map((address) => ({ protocol: 'http' as const, ...address })),
    ...options.https.map((address) => ({ protocol: 'https' as const, ...address })),
  ];
  const proxyOptions = { listeners, workers, logLevel, logFormat, accessLogFormat: logFormat, keepUser: false };
  return createGatehouse(options, {
    source: createManifestSource({ paths: options.manifests }),
    translate,
    translateOptions: () => translateOptions(options.translation, defaultCertificate, Date.now()),
    createProxy: (events) => new ProxyProcess(proxyOptions, { events, logger, clock: systemClock }),
    metrics: new MetricsHub({ ingressNginxNames: options.ingressNginxMetrics }),
    machineAddresses,
    logger,
  });
}

/** Addresses of this machine beyond loopback and link-local ones. */
function machineAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address)).map(({ address }) => address);
}
