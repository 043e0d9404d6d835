import { KubeError, type KubeApi, type KubeRequest, type WatchEvent } from '../../cluster/kubeApi.ts';

/** For tests: what the webhook's certificates see of a cluster, one Secret and one configuration. */
export interface WebhookApi extends KubeApi {
  /** The Secret's data, base64. */
  data: Record<string, string>;
  /** PEM of each webhook's caBundle; null: there is no configuration. */
  bundles: string[] | null;
  /** Every write, as `METHOD path`. */
  readonly writes: string[];
  /** Asked before each request: null lets it pass; an error of code `timeout` is thrown after the request has had its effect. */
  fault: (request: KubeRequest) => KubeError | null;
  secret(): unknown;
  /** Sends the Secret to those who watch it. */
  notify(): void;
  /** Ends all watches. */
  cut(): void;
}

/** For tests: an API of a Secret without data and a configuration of `webhooks` entries that trust nobody. */
export function createWebhookApi(webhooks = 2): WebhookApi {
  const versions = { secret: 1, configuration: 1 };
  const watches = createWatches();
  const api: WebhookApi = {
    data: {},
    bundles: Array.from({ length: webhooks }, () => ''),
    writes: [],
    fault: () => null,
    secret: () => ({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name: 'gatehouse-webhook-tls', namespace: 'gatehouse', resourceVersion: String(versions.secret) },
      data: { ...api.data },
    }),
    request: async (request) => {
      const fault = api.fault(request);
      if (fault !== null && fault.code !== 'timeout') throw fault;
      const answer = handle(api, versions, request);
      if (fault !== null) throw fault;
      return await Promise.resolve(answer);
    },
    watch: ({ signal }) => watches.open(signal),
    close: () => {},
    notify: () => watches.send({ type: 'MODIFIED', object: api.secret() }),
    cut: () => watches.cut(),
  };
  return api;
}

interface Versions {
  secret: number;
  configuration: number;
}

function handle(api: WebhookApi, versions: Versions, request: KubeRequest): unknown {
  const isSecret = request.path.includes('/secrets/');
  if (request.method !== 'GET') {
    api.writes.push(`${request.method} ${request.path}`);
    if (isSecret) patchSecret(api, versions, request.body);
    else patchConfiguration(api, versions, request.body);
    versions[isSecret ? 'secret' : 'configuration'] += 1;
  }
  return isSecret ? api.secret() : configurationOf(api, versions);
}

function configurationOf({ bundles }: WebhookApi, versions: Versions): unknown {
  if (bundles === null) throw new KubeError('notFound', 'there is no configuration', { status: 404 });
  const webhooks = bundles.map((bundle, index) => ({
    name: `w${index}.gatehouse.dev`,
    clientConfig: { service: { name: 's', namespace: 'n' }, ...(bundle === '' ? {} : { caBundle: Buffer.from(bundle).toString('base64') }) },
  }));
  return { kind: 'ValidatingWebhookConfiguration', metadata: { name: 'gatehouse', resourceVersion: String(versions.configuration) }, webhooks };
}

function patchSecret(api: WebhookApi, versions: Versions, body: unknown): void {
  const { metadata, data } = body as { metadata: { resourceVersion: string }; data: Record<string, string | null> };
  checkVersion(metadata.resourceVersion, versions.secret);
  for (const [key, value] of Object.entries(data)) {
    if (value === null) delete api.data[key];
    else api.data[key] = value;
  }
}

function patchConfiguration(api: WebhookApi, versions: Versions, body: unknown): void {
  const [precondition, ...operations] = body as { op: string; path: string; value: string }[];
  checkVersion(precondition?.value ?? '', versions.configuration);
  for (const { path, value } of operations) {
    const index = Number(/^\/webhooks\/(\d+)\/clientConfig\/caBundle$/.exec(path)?.[1]);
    if (api.bundles?.[index] === undefined) throw new KubeError('invalid', `no ${path}`, { status: 422 });
    api.bundles[index] = Buffer.from(value, 'base64').toString();
  }
}

function checkVersion(wanted: string, present: number): void {
  if (wanted !== String(present)) throw new KubeError('conflict', 'the object has been modified', { status: 409 });
}

interface Watches {
  open(signal: AbortSignal | undefined): AsyncIterable<WatchEvent>;
  send(event: WatchEvent): void;
  cut(): void;
}

function createWatches(): Watches {
  const watchers = new Set<{ readonly events: WatchEvent[]; wake: () => void; ended: boolean }>();
  return {
    async *open(signal) {
      const watcher = { events: [] as WatchEvent[], wake: () => {}, ended: false };
      const end = (): void => {
        watcher.ended = true;
        watcher.wake();
      };
      signal?.addEventListener('abort', end);
      watchers.add(watcher);
      try {
        while (!watcher.ended) {
          yield* watcher.events.splice(0);
          await new Promise<void>((resolve) => {
            watcher.wake = resolve;
            if (watcher.ended || watcher.events.length > 0) resolve();
          });
        }
      } finally {
        watchers.delete(watcher);
        signal?.removeEventListener('abort', end);
      }
    },
    send: (event) => {
      for (const watcher of watchers) {
        watcher.events.push(event);
        watcher.wake();
      }
    },
    cut: () => {
      for (const watcher of watchers) {
        watcher.ended = true;
        watcher.wake();
      }
    },
  };
}
