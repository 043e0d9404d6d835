import { stat } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubeConfigError, type KubeConnection, type RequestSettings } from './kubeConnection.ts';

/** Ours: kubeconfig files of many clusters have some hundred KiB. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Ours: an exec plugin that takes longer is taken to hang, and the next request runs it again. */
const MAX_SETTINGS_MS = 20_000;

/** Which file and which of its contexts. */
export interface KubeconfigOptions {
  readonly path: string;
  /** Null: the file's current context. */
  readonly context: string | null;
}

/** The connection that a kubeconfig file describes: client certificates, tokens, exec plugins, OIDC, proxies. */
export async function kubeconfigConnection(options: KubeconfigOptions): Promise<KubeConnection> {
  let config = await readKubeconfig(options);
  /** Requests that ask at the same time share one answer: an exec plugin runs once, not once per kind. */
  let pending: Promise<RequestSettings> | null = null;
  const { server, namespace, contextName } = describeContext(config, options.path);
  return {
    server,
    namespace,
    description: `context "${contextName}" of ${options.path}`,
    settings: () => {
      pending ??= withinPatience(requestSettings(config)).finally(() => {
        pending = null;
      });
      return pending;
    },
    renew: async () => {
      // What cannot be read now may be half written: the settings so far stay.
      config = await readKubeconfig(options).catch(() => config);
    },
  };
}

async function withinPatience<T>(promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new KubeConfigError(`the exec plugin gave no answer within ${MAX_SETTINGS_MS} ms`)), MAX_SETTINGS_MS);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function readKubeconfig({ path, context }: KubeconfigOptions): Promise<KubeConfig> {
  await checkFile(path);
  // Loaded when it is needed: it costs half a second and 85 MB.
  const { KubeConfig: Config } = await import('@kubernetes/client-node');
  const config = new Config();
  try {
    config.loadFromFile(path);
  } catch (error) {
    // YAML errors quote the text around them, which may be a token.
    throw new KubeConfigError(`--kubeconfig ${path} is no kubeconfig file: ${withoutQuotes(error)}`);
  }
  if (context !== null) config.setCurrentContext(context);
  describeContext(config, path);
  return config;
}

async function checkFile(path: string): Promise<void> {
  const file = await stat(path).catch((error: unknown) => {
    throw new KubeConfigError(`--kubeconfig ${path} cannot be read: give the path of a kubeconfig file`, { cause: error });
  });
  if (!file.isFile()) throw new KubeConfigError(`--kubeconfig ${path} is no file: give the path of a kubeconfig file`);
  if (file.size > MAX_FILE_BYTES) {
    throw new KubeConfigError(`--kubeconfig ${path} is larger than ${MAX_FILE_BYTES} bytes: this is no kubeconfig file`);
  }
}

function withoutQuotes(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be read';
  if ('reason' in error && typeof error.reason === 'string') return error.reason.slice(0, 200);
  return error.name === 'YAMLException' ? 'it is no YAML' : (error.message.split('\n')[0] ?? '').slice(0, 200);
}

/** Throws KubeConfigError unless the current context names a cluster and a user that are there and can be used. */
function describeContext(
  config: KubeConfig,
  path: string,
): { readonly server: URL; readonly namespace: string | null; readonly contextName: string } {
  const contextName: string | undefined = config.getCurrentContext();
  const known = config.getContexts().map(({ name }) => name).slice(0, 10).join(', ') || 'none';
  if (typeof contextName !== 'string' || contextName === '') {
    throw new KubeConfigError(`--kubeconfig ${path} has no current-context: name one with --context (there are: ${known})`);
  }
  const context = config.getContextObject(contextName);
  if (context === null) {
    throw new KubeConfigError(`--kubeconfig ${path} has no context "${contextName}": name one with --context (there are: ${known})`);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new KubeConfigError(`--kubeconfig ${path}: context "${contextName}" names a cluster that is not there`);
  // Without a user client-node leaves out the cluster's CA as well.
  if (config.getCurrentUser() === null) {
    throw new KubeConfigError(`--kubeconfig ${path}: context "${contextName}" names a user that is not there`);
  }
  return { server: readServer(cluster, path), namespace: context.namespace ?? null, contextName };
}

function readServer(cluster: { readonly server: string; readonly skipTLSVerify: boolean }, path: string): URL {
  const server = URL.canParse(cluster.server) ? new URL(cluster.server) : null;
  if (server === null || (server.protocol !== 'https:' && server.protocol !== 'http:')) {
    throw new KubeConfigError(`--kubeconfig ${path}: server must be an https URL (got ${JSON.stringify(cluster.server).slice(0, 100)})`);
  }
  if (server.protocol === 'http:' && !cluster.skipTLSVerify) {
    throw new KubeConfigError(
      `--kubeconfig ${path}: server must be an https URL; to send credentials unencrypted say so with insecure-skip-tls-verify: true`,
    );
  }
  return server;
}

async function requestSettings(config: KubeConfig): Promise<RequestSettings> {
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value).trim();
  if (typeof options.auth === 'string') headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const proxied = config.getCurrentCluster()?.proxyUrl !== undefined;
  return {
    headers,
    tls: {
      ...textOption('ca', options.ca),
      ...textOption('cert', options.cert),
      ...textOption('key', options.key),
      ...(options.servername === undefined ? {} : { servername: options.servername }),
      rejectUnauthorized: options.rejectUnauthorized !== false,
    },
    // client-node keeps one agent with the certificates of the first request; ours follow theirs.
    proxyAgent: proxied && options.agent instanceof Object ? options.agent : null,
  };
}

function textOption(name: 'ca' | 'cert' | 'key', value: unknown): Partial<Record<'ca' | 'cert' | 'key', string | Buffer>> {
  return typeof value === 'string' || Buffer.isBuffer(value) ? { [name]: value } : {};
}
