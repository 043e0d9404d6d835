import type { Logger } from '../../core/log/logger.ts';
import { assembleGatehouse } from '../runtime/assembleGatehouse.ts';
import type { ListenAddress } from '../runtime/listenAddress.ts';
import { runUntilStopped } from '../runtime/runUntilStopped.ts';
import type { SignalSource } from '../runtime/stopSignals.ts';
import { DEFAULT_TRANSLATION } from '../runtime/translationChoices.ts';
import { startDemoBackends } from './backends.ts';
import { makeDemoCertificates } from './demoCertificates.ts';
import { TLS_HOSTS, writeDemoFolder, type DemoFolder } from './demoFolder.ts';
import { freePoolOctet, nextFreePort } from './freePort.ts';
import { printThingsToTry, thingsToTry, type DemoAddresses } from './thingsToTry.ts';

/** Where the demo would like to listen; the next free port is taken when somebody is there already. */
export interface DemoOptions extends DemoAddresses {
  readonly version: string;
}

/** What it works with. */
export interface DemoDependencies {
  readonly logger: Logger;
  readonly signals: SignalSource;
  readonly stdout: (text: string) => void;
}

/** Enough to show more than one worker at work. */
const WORKERS = 2;
/** Nobody waits long after Ctrl-C. */
const DRAIN_TIMEOUT_MS = 2000;

/** Runs the demo until SIGINT, SIGTERM or SIGHUP, then removes everything it made. Rejects when it cannot start. */
export async function runDemo(options: DemoOptions, dependencies: DemoDependencies): Promise<void> {
  const addresses = await freeAddresses(options);
  const certificates = makeDemoCertificates(TLS_HOSTS, Date.now());
  const poolOctet = await freePoolOctet();
  const backends = await startDemoBackends(certificates.certificates['vault.shop.test']);
  try {
    const folder = await writeDemoFolder({ services: backends.services, certificates, poolOctet });
    try {
      await serveFolder(options.version, folder, { ...dependencies, addresses, poolOctet });
    } finally {
      await folder.remove();
    }
  } finally {
    await backends.stop();
  }
}

async function serveFolder(
  version: string,
  folder: DemoFolder,
  { addresses, poolOctet, logger, signals, stdout }: DemoDependencies & { readonly addresses: DemoAddresses; readonly poolOctet: number },
): Promise<void> {
  const gatehouse = await assembleGatehouse({
    version,
    source: { type: 'manifests', paths: [folder.manifests] },
    http: [addresses.http],
    https: [addresses.https],
    admin: addresses.admin,
    workers: WORKERS,
    nodeName: 'demo',
    translation: DEFAULT_TRANSLATION,
    drainTimeoutMs: DRAIN_TIMEOUT_MS,
    logLevel: 'warn',
    logFormat: 'text',
    announcer: null,
    ingressNginxMetrics: false,
  }, logger);
  const onReady = (): void => stdout(printThingsToTry(thingsToTry(addresses, folder, poolOctet), addresses));
  await runUntilStopped(gatehouse, { signals, logger, onHangUp: 'stop', onReady });
}

async function freeAddresses(wanted: DemoAddresses): Promise<DemoAddresses> {
  const taken: number[] = [];
  const next = async (address: ListenAddress): Promise<ListenAddress> => {
    const free = await nextFreePort(address, taken);
    taken.push(free.port);
    return free;
  };
  return { http: await next(wanted.http), https: await next(wanted.https), admin: await next(wanted.admin) };
}
