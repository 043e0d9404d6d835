import type { Logger } from '../../../core/log/logger.ts';
import { KubeError, type KubeApi } from '../../cluster/kubeApi.ts';
import { resourcePath, RESOURCES, WEBHOOK_CONFIGURATION } from '../../cluster/resources.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import type { Leadership } from '../../election/leadership.ts';
import { applyAction } from './applyAction.ts';
import { planCertificates, type CertificateState } from './planCertificates.ts';
import { commonlyTrusted, printsOf, readWebhookConfiguration, trustPatch, type WebhookConfiguration } from './webhookConfiguration.ts';
import { EMPTY_SECRET, printWebhookSecret, readWebhookSecret, type WebhookSecret } from './webhookSecret.ts';

/** Names of what the keeper reads and writes, and of what it makes certificates for. */
export interface WebhookNames {
  /** Gatehouse's own namespace, of the Secret and of the Service. */
  readonly namespace: string;
  readonly secret: string;
  readonly service: string;
  /** Of the ValidatingWebhookConfiguration. */
  readonly configuration: string;
}

/** What the keeper needs. */
export interface CertificateKeeperOptions {
  readonly api: KubeApi;
  readonly leadership: Leadership;
  readonly names: WebhookNames;
  readonly logger: Logger;
  /** Wall clock, ms since the epoch. */
  readonly nowMs: () => number;
}

/** Makes and renews the webhook's certificates, and tells the API server whom to trust. */
export interface CertificateKeeper {
  /** Looks after everything once. Does nothing unless this process leads. Rejects with a KubeError; call it again later. */
  round(signal?: AbortSignal): Promise<void>;
}

/** The Secret as it was read, with what a write of it must not have missed. */
interface HeldSecret {
  readonly resourceVersion: string;
  readonly content: WebhookSecret;
}

/** More steps than any state needs: an addition, a promotion, an issue and what clears the way for them. */
const MAX_STEPS = 10;

/** Names by which the API server may call a Service. */
export function serviceDnsNames({ service, namespace }: Pick<WebhookNames, 'service' | 'namespace'>): readonly string[] {
  const name = `${service}.${namespace}.svc`;
  return [name, `${name}.cluster.local`];
}

/** Makes the keeper; it remembers only since when the configuration has trusted the present bundle. */
export function createCertificateKeeper(options: CertificateKeeperOptions): CertificateKeeper {
  const { api, leadership, names, logger, nowMs } = options;
  const paths = pathsOf(names);
  let trust: { readonly bundle: string; readonly sinceMs: number } | null = null;

  async function round(signal?: AbortSignal): Promise<void> {
    if (!leadership.isLeader()) {
      trust = null;
      return;
    }
    const passed = signal === undefined ? {} : { signal };
    const held = readSecret(await api.request({ method: 'GET', path: paths.secret, ...passed }), logger);
    const configuration = await readConfiguration(options, paths.configuration, passed);
    const { secret, publish } = plan(held.content, configuration);
    if (secret !== held.content && leadership.isLeader()) {
      await api.request({ method: 'PATCH', path: paths.secret, patch: 'merge', body: secretPatch(held, secret), ...passed });
    }
    if (!publish || configuration === null || !leadership.isLeader()) return;
    const body = trustPatch(configuration, secret.authorities);
    await api.request({ method: 'PATCH', path: paths.configuration, patch: 'json', body, ...passed });
    trust = { bundle: printsOf(secret.authorities), sinceMs: nowMs() };
    logger.info('the webhook configuration trusts the present authorities', { configuration: names.configuration });
  }

  /** What the Secret becomes (the same object: it stays), and whether the configuration is to be told. */
  function plan(
    before: WebhookSecret,
    configuration: WebhookConfiguration | null,
  ): { readonly secret: WebhookSecret; readonly publish: boolean } {
    const published = configuration === null ? null : commonlyTrusted(configuration);
    let secret = before;
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const publishedForMs = secret === before ? trustedForMs(secret, published) : null;
      const state: CertificateState = { nowMs: nowMs(), secret, dnsNames: serviceDnsNames(names), published, publishedForMs };
      const action = planCertificates(state);
      if (action === null || action.type === 'publish') return { secret: cleaned(before, secret), publish: action !== null };
      logger.info('webhook certificates change', { ...action, action: action.type, secret: names.secret });
      secret = applyAction(action, state);
    }
    throw new Error(`webhook certificates need more than ${MAX_STEPS} steps`);
  }

  function trustedForMs(secret: WebhookSecret, published: CertificateState['published']): number | null {
    const bundle = printsOf(secret.authorities);
    if (published === null || printsOf(published) !== bundle) {
      trust = null;
      return null;
    }
    if (trust?.bundle !== bundle) trust = { bundle, sinceMs: nowMs() };
    return nowMs() - trust.sinceMs;
  }

  return { round };
}

/** A Secret that nothing changes in is still written when a part of it is of no use. */
function cleaned(before: WebhookSecret, secret: WebhookSecret): WebhookSecret {
  return secret === before && before.faults.length > 0 ? { ...secret, faults: [] } : secret;
}

function pathsOf(names: WebhookNames): { readonly secret: string; readonly configuration: string } {
  return {
    secret: resourcePath(RESOURCES.Secret, { namespace: names.namespace, name: names.secret }),
    configuration: resourcePath(WEBHOOK_CONFIGURATION, { name: names.configuration }),
  };
}

function readSecret(answer: unknown, logger: Logger): HeldSecret {
  const { object } = decodeObject(answer, null);
  if (object?.kind !== 'Secret') throw new KubeError('server', 'the answer to the read of the webhook Secret is no Secret');
  const content = object.data.size === 0 ? EMPTY_SECRET : readWebhookSecret(object.data);
  const faults = content.faults.join('; ');
  if (faults !== '') logger.warn('the webhook Secret has content of no use; it is replaced', { secret: object.metadata.name, faults });
  return { resourceVersion: object.metadata.resourceVersion, content };
}

/** Null when there is none: the webhook is not installed, which is nobody's fault. */
async function readConfiguration(
  { api, logger, names }: CertificateKeeperOptions,
  path: string,
  passed: { readonly signal?: AbortSignal },
): Promise<WebhookConfiguration | null> {
  try {
    const configuration = readWebhookConfiguration(await api.request({ method: 'GET', path, ...passed }));
    if (configuration === null) throw new KubeError('server', `the answer to the read of ${path} is no webhook configuration`);
    return configuration;
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== 'notFound') throw error;
    logger.debug('there is no webhook configuration: nobody calls the webhook', { configuration: names.configuration });
    return null;
  }
}

function secretPatch(held: HeldSecret, secret: WebhookSecret): unknown {
  const data = [...printWebhookSecret(secret)].map(([key, text]) => [key, text === null ? null : Buffer.from(text).toString('base64')]);
  return { metadata: { resourceVersion: held.resourceVersion }, data: Object.fromEntries(data) };
}
