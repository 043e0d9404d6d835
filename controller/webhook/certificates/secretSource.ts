import type { Logger } from '../../../core/log/logger.ts';
import { KubeError, type KubeApi } from '../../cluster/kubeApi.ts';
import { resourcePath, RESOURCES } from '../../cluster/resources.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import type { Secret } from '../../model/objects.ts';
import { pause } from './pause.ts';
import { createPairHolder, type ServingPair, type ServingSource } from './servingPair.ts';
import { printKey, readWebhookSecret } from './webhookSecret.ts';

/** Which Secret is followed, and how. */
export interface SecretSourceOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly secret: string;
  readonly logger: Logger;
  /** How long to wait before the Secret is read again, after a failure or the end of a watch. Default 2 s. */
  readonly retryMs?: number;
}

/** The server ends the watch then; the Secret is read again, so that nothing can be missed for longer. */
const WATCH_SECONDS = 300;
/** A connection that has died unnoticed ends by this. */
const WATCH_LIMIT_MS = (WATCH_SECONDS + 30) * 1000;
const RETRY_MS = 2_000;

/** The pair of a Secret that can serve; null when there is none yet or its parts do not go together. */
export function servingPairOf(secret: Secret): ServingPair | null {
  const { serving } = readWebhookSecret(secret.data);
  return serving === null ? null : { certificatePem: serving.certificate.toString(), keyPem: printKey(serving.key) };
}

/** Follows the Secret that the leader keeps: by GET and watch, needing no right but for this one name. */
export function createSecretSource(options: SecretSourceOptions): ServingSource {
  const { api, namespace, secret: name, logger } = options;
  const held = createPairHolder();
  const stopping = new AbortController();
  const path = resourcePath(RESOURCES.Secret, { namespace, name });
  const collection = resourcePath(RESOURCES.Secret, { namespace });
  let running: Promise<void> | null = null;

  function take(value: unknown): Secret | null {
    const { object } = decodeObject(value, null);
    if (object?.kind !== 'Secret' || object.metadata.name !== name) return null;
    const pair = servingPairOf(object);
    if (pair !== null) held.set(pair);
    return object;
  }

  async function follow(): Promise<void> {
    const secret = take(await api.request({ method: 'GET', path, signal: stopping.signal }));
    const query = {
      watch: '1',
      fieldSelector: `metadata.name=${name}`,
      resourceVersion: secret?.metadata.resourceVersion ?? '',
      timeoutSeconds: String(WATCH_SECONDS),
    };
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(WATCH_LIMIT_MS)]);
    for await (const { type, object } of api.watch({ method: 'GET', path: collection, query, signal })) {
      if (type === 'ERROR') return;
      // A Secret that is deleted or emptied takes nothing away: what was good last goes on serving.
      if (type === 'ADDED' || type === 'MODIFIED') take(object);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (!stopping.signal.aborted) logger.warn('the webhook Secret cannot be read; trying again', { secret: name, cause: causeOf(error) });
      }
      await pause(options.retryMs ?? RETRY_MS, stopping.signal);
    }
  }

  return {
    current: held.current,
    onChange: held.onChange,
    start: () => {
      running ??= run();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** What went wrong, in a word where there is one. Never an answer of the server: it could hold the Secret. */
function causeOf(error: unknown): string {
  if (error instanceof KubeError) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}
