import { existsSync } from 'node:fs';
import { availableParallelism, networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { createLogger, LOG_LEVELS } from '../../../core/log/logger.ts';
import { statePath } from '../../assignments/statePath.ts';
import type { ServeOptions } from '../../runtime/assembleGatehouse.ts';
import type { ListenAddress } from '../../runtime/listenAddress.ts';
import type { TranslationChoices } from '../../runtime/translationChoices.ts';
import { runUntilStopped } from '../../runtime/runUntilStopped.ts';
import { defineCommand, EXIT, wrongUsage, type CommandContext } from '../command.ts';
import { many, one, toggle } from '../flag.ts';
import type { FlagValues } from '../parseArguments.ts';
import { ANNOUNCER_FLAGS, announcerSettings } from '../announcerFlags.ts';
import { CLUSTER_FLAGS, clusterOptions } from '../clusterFlags.ts';
import { DEFAULT_ADMIN, TRANSLATION_FLAGS, translationChoices } from '../sharedFlags.ts';
import { choice, duration, integer, listenAddress, text } from '../values.ts';

const MAX_WORKERS = 256;
/** As in ingress-nginx's chart: long enough for slow downloads, short enough for a node that is being emptied. */
const DEFAULT_DRAIN_MS = 300_000;

const FLAGS = {
  manifests: many('manifests', text('a file or folder'), {
    placeholder: 'PATH',
    help: 'File or folder of Kubernetes manifests (YAML or JSON) to serve from. Changes are served within half a second.',
    splitsFlag: false,
  }),
  http: many('http', listenAddress, {
    placeholder: 'ADDR:PORT',
    help: 'Where to listen for plain HTTP. Port 0 lets the system choose; the log and "gatehouse status" tell which.',
    defaultText: '0.0.0.0:80 and [::]:80; nothing when only --https is given',
  }),
  https: many('https', listenAddress, {
    placeholder: 'ADDR:PORT',
    help: 'Where to listen for HTTPS.',
    defaultText: '0.0.0.0:443 and [::]:443; nothing when only --http is given',
  }),
  admin: one('admin', listenAddress, () => DEFAULT_ADMIN, {
    placeholder: 'ADDR:PORT',
    help: 'Where the admin API listens: /healthz, /readyz, /metrics, /api/v1/ and a status page. It has no passwords: keep it where only you can reach it.',
    defaultText: '127.0.0.1:9090',
  }),
  workers: one('workers', integer(1, MAX_WORKERS), availableParallelism, {
    placeholder: 'N',
    help: 'Worker threads that carry traffic.',
    defaultText: 'one per available core',
  }),
  ...TRANSLATION_FLAGS,
  ...CLUSTER_FLAGS,
  ...ANNOUNCER_FLAGS,
  stateDir: one('state-dir', text('a folder'), () => null, {
    placeholder: 'PATH',
    help: 'With --manifests: folder where it is kept which Service has which address, so that a restart changes none. A cluster keeps that itself.',
    defaultText: '$STATE_DIRECTORY, $XDG_STATE_HOME/gatehouse, ~/.local/state/gatehouse or /var/lib/gatehouse, the first there is',
  }),
  ingressNginxMetrics: toggle(
    'ingress-nginx-metrics',
    false,
    'Give request metrics under ingress-nginx\'s names too, for dashboards that exist. Doubles those families.',
  ),
  drainTimeout: one('drain-timeout', duration, () => DEFAULT_DRAIN_MS, {
    placeholder: 'DURATION',
    help: 'After SIGTERM, how long open requests may take to finish before they are cut.',
    defaultText: '300s',
  }),
  logLevel: one('log-level', choice(LOG_LEVELS), () => 'info' as const, {
    placeholder: 'LEVEL',
    help: `How much is logged: ${LOG_LEVELS.join(', ')}. The log goes to standard error.`,
    defaultText: 'info',
  }),
  logFormat: one('log-format', choice(['json', 'text']), () => 'text' as const, {
    placeholder: 'FORM',
    help: "Form of the log and of the access log, which goes to standard output: json, or text (ingress-nginx's access log line).",
    defaultText: 'text',
  }),
};

/** `gatehouse run`. */
export function runCommand(version: string): ReturnType<typeof defineCommand> {
  return defineCommand(
    {
      name: 'run',
      summary: 'Serve the Ingresses and LoadBalancer Services of a cluster or of a folder of manifests',
      description:
        'Serves until SIGTERM or SIGINT; then readiness fails, listeners stop accepting, open requests finish, and it exits 0 ' +
        'within the drain timeout. A second SIGINT ends it at once. SIGHUP does nothing, because objects are watched.\n' +
        'Objects come from --manifests, or from the cluster of --kubeconfig, or, inside a Pod, from the cluster it runs in.',
      positionals: { name: '', least: 0, most: 0, help: '' },
      examples: [
        ['Without root, on high ports', 'gatehouse run --manifests ./manifests --http 127.0.0.1:8080 --https 127.0.0.1:8443'],
        ['On ports 80 and 443 of every address, as root', 'gatehouse run --manifests /etc/gatehouse/manifests'],
        [
          'Behind a load balancer whose X-Forwarded-For is to be believed',
          'gatehouse run --manifests ./manifests --http 0.0.0.0:8080 --trusted-proxies 10.0.0.0/8',
        ],
        [
          'Raw TCP and UDP on addresses of a pool, which an IPAddressPool in the folder names',
          'gatehouse run --manifests ./manifests --http 127.0.0.1:8080 --vips auto',
        ],
        ['A cluster, from outside', 'gatehouse run --kubeconfig ~/.kube/config --http 127.0.0.1:8080 --update-status=false'],
        ['Settings from the environment', 'GATEHOUSE_MANIFESTS=./manifests GATEHOUSE_HTTP=127.0.0.1:8080 gatehouse run'],
      ],
    },
    FLAGS,
    async (flags, _positionals, context) => {
      const chosen = chooseSource(flags, context);
      if (typeof chosen === 'string') return wrongUsage('run', chosen, context);
      try {
        return await serve({ version, source: chosen }, flags, context);
      } catch (error) {
        context.stderr(`gatehouse run: ${startFailure(error)}\n`);
        return EXIT.failure;
      }
    },
  );
}

/** Where objects come from; a text says what is wrong with what was asked for. */
function chooseSource(flags: FlagValues<typeof FLAGS>, context: CommandContext): ServeOptions['source'] | string {
  const { manifests, kubeconfig } = flags;
  if (manifests.length > 0) {
    if (kubeconfig !== null) return '--manifests and --kubeconfig exclude each other: objects come from one place';
    return { type: 'manifests', paths: manifests, stateFile: stateFile(flags, context) };
  }
  const cluster = clusterOptions(flags, context.environment);
  if (cluster.type === 'wrong') return cluster.message;
  if (cluster.type === 'cluster') return { type: 'cluster', options: cluster.options };
  return 'say where objects come from: --manifests PATH, or --kubeconfig PATH; inside a Pod neither is needed';
}

/** Choices for objects that many people write: a backend must not be this very node, unless that is said. */
function translationOf(source: ServeOptions['source'], flags: FlagValues<typeof FLAGS>): TranslationChoices {
  const choices = translationChoices(flags);
  if (source.type === 'manifests') return choices;
  const { compat } = source.options;
  const watchWithoutClass = flags.watchWithoutClass ?? false;
  return { ...choices, watchWithoutClass, allowLocalBackends: flags.allowLocalBackends, openelbOptIn: compat.includes('openelb') && !compat.includes('metallb') };
}

async function serve(
  { version, source }: Pick<ServeOptions, 'version' | 'source'>,
  flags: FlagValues<typeof FLAGS>,
  context: CommandContext,
): Promise<number> {
  const missing = flags.manifests.find((path) => !existsSync(path));
  if (missing !== undefined) throw new Error(`--manifests: there is no file or folder ${JSON.stringify(missing)}`);
  const options: ServeOptions = {
    ...flags,
    ...listeners(flags.http, flags.https),
    version,
    source,
    translation: translationOf(source, flags),
    announcer: announcerSettings(flags, flags.nodeName),
    drainTimeoutMs: flags.drainTimeout,
  };
  const logger = createLogger({ level: options.logLevel, format: options.logFormat, name: 'controller' });
  const onReady = (): void => logger.info('ready: the first snapshot serves on every worker');
  // Loaded here, so that commands that only ask a running Gatehouse start fast.
  const { assembleGatehouse } = await import('../../runtime/assembleGatehouse.ts');
  const life = { signals: context.signals, onHangUp: 'ignore', logger, onReady } as const;
  try {
    return (await runUntilStopped(await assembleGatehouse(options, logger), life)) ? EXIT.success : EXIT.failure;
  } finally {
    await logger.flush();
  }
}

/** One file for each set of manifests, so that two Gatehouses on one machine do not disturb each other. */
function stateFile({ stateDir, manifests }: Pick<FlagValues<typeof FLAGS>, 'stateDir' | 'manifests'>, context: CommandContext): string {
  const flag = stateDir === null ? null : resolve(stateDir);
  return statePath({ flag, env: context.environment, manifests: manifests.map((path) => resolve(path)), home: context.environment['HOME'] ?? null });
}

/** What was asked for, or the standard ports on all addresses when nothing was. */
function listeners(
  http: readonly ListenAddress[],
  https: readonly ListenAddress[],
): { readonly http: readonly ListenAddress[]; readonly https: readonly ListenAddress[] } {
  if (http.length > 0 || https.length > 0) return { http, https };
  const families = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const hasIpv6 = families.some(({ family }) => family === 'IPv6');
  const addresses = hasIpv6 ? ['0.0.0.0', '::'] : ['0.0.0.0'];
  return { http: addresses.map((address) => ({ address, port: 80 })), https: addresses.map((address) => ({ address, port: 443 })) };
}

function startFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'EACCES' ? `${message}\nOn high ports it runs without root: --http 127.0.0.1:8080 --https 127.0.0.1:8443` : message;
}
