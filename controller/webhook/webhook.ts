import { readFile } from 'node:fs/promises';
import type { Registry } from 'prom-client';
import type { Logger } from '../../core/log/logger.ts';
import type { KubeApi } from '../cluster/kubeApi.ts';
import type { Leadership } from '../election/leadership.ts';
import type { ListenAddress } from '../runtime/listenAddress.ts';
import { createCertificateKeeper, type WebhookNames } from './certificates/certificateKeeper.ts';
import { createFileSource } from './certificates/fileSource.ts';
import { createKeeperLoop } from './certificates/keeperLoop.ts';
import { createSecretSource } from './certificates/secretSource.ts';
import type { ServingSource } from './certificates/servingPair.ts';
import { reviewObject } from './review.ts';
import type { ReviewContext } from './reviewInput.ts';
import { createWebhookMetrics } from './webhookMetrics.ts';
import { createWebhookServer } from './webhookServer.ts';

/** Where the serving certificate comes from. */
export type WebhookCertificates =
  /** Made here, kept in a Secret that all replicas share, and published in the webhook configuration. */
  | { readonly type: 'own'; readonly api: KubeApi; readonly leadership: Leadership; readonly names: WebhookNames }
  /** Kept by somebody else (cert-manager), who publishes its authority too. Nothing is written. */
  | { readonly type: 'files'; readonly certificateFile: string; readonly keyFile: string };

/** What the webhook needs. */
export interface WebhookOptions {
  readonly listen: ListenAddress;
  readonly certificates: WebhookCertificates;
  /** PEM file of the authorities that the API server's client certificate must come from; null: callers show none. */
  readonly clientAuthorityFile: string | null;
  /** What changes are judged against, as of now; null: nothing was translated yet. */
  readonly context: () => ReviewContext | null;
  readonly registry: Registry;
  readonly logger: Logger;
}

/** The admission webhook with its certificates. */
export interface Webhook {
  /** Rejects when the address cannot be listened on or the file of authorities cannot be read. */
  start(): Promise<ListenAddress>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Puts the webhook together; nothing happens before `start`. */
export function createWebhook(options: WebhookOptions): Webhook {
  const { certificates, logger, context } = options;
  const source = sourceOf(options);
  const keeping =
    certificates.type === 'own'
      ? createKeeperLoop({ keeper: createCertificateKeeper({ ...certificates, logger, nowMs: Date.now }), leadership: certificates.leadership, logger })
      : null;
  const stops: (() => Promise<void>)[] = [];

  async function stop(): Promise<void> {
    for (const end of stops.splice(0).toReversed()) await end();
  }

  return {
    async start() {
      const file = options.clientAuthorityFile;
      const server = createWebhookServer({
        listen: options.listen,
        certificates: source,
        clientAuthorities: file === null ? null : await readFile(file, 'utf8'),
        review: (request) => {
          const present = context();
          return present === null ? null : reviewObject(request, present);
        },
        metrics: createWebhookMetrics(options.registry),
        logger,
      });
      const bound = await server.start();
      stops.push(() => server.stop(), () => source.stop());
      source.start();
      if (keeping !== null) {
        stops.push(() => keeping.stop());
        keeping.start();
      }
      return bound;
    },
    stop,
  };
}

function sourceOf({ certificates, logger }: WebhookOptions): ServingSource {
  if (certificates.type === 'files') return createFileSource({ ...certificates, logger });
  const { api, names } = certificates;
  return createSecretSource({ api, namespace: names.namespace, secret: names.secret, logger });
}
