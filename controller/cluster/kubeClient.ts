import type { IncomingMessage } from 'node:http';
import { parseAnswer, readAnswerBody } from './answerBody.ts';
import { openCallScope, type CallScope } from './callScope.ts';
import { KubeError, type KubeApi, type KubeRequest, type WatchEvent } from './kubeApi.ts';
import type { KubeConnection } from './kubeConnection.ts';
import { failureOfAnswer, failureOfConnection } from './kubeFailure.ts';
import { describeRequest, type RequestAttributes } from './requestAttributes.ts';
import { createTransport, type Transport } from './transport.ts';
import { WatchLines } from './watchLines.ts';
import { systemClock, type Clock } from '../../core/time/clock.ts';

/** How the client speaks; times are ms, sizes bytes, defaults ours. */
export interface KubeClientOptions {
  /** Of Gatehouse, for the User-Agent. */
  readonly version: string;
  /** Largest answer, unpacked; default 64 MiB, a list page of 500 objects rarely has 10. */
  readonly maxAnswerBytes?: number;
  /** Largest event of a watch; default 8 MiB. */
  readonly maxWatchLineBytes?: number;
  /** For the TCP connection: short, so that an API server that comes back at an address is found again soon. Default 1500. */
  readonly connectTimeoutMs?: number;
  /** False: the request is not sent, as no rule of our own list allows it. For finding such requests in tests. */
  readonly permit?: (attributes: RequestAttributes) => boolean;
  readonly clock?: Clock;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Enough of an error for its message. */
const MAX_ERROR_BYTES = 64 * 1024;
const DEFAULT_WATCH_TIMEOUT_SECONDS = 600;
/** A watch that is silent for this much longer than the server was asked to keep it is dead. */
const WATCH_SLACK_MS = 15_000;
/** Credentials are not read anew more often than this because of 401s. */
const RENEW_INTERVAL_MS = 10_000;

/** The API server behind a connection. Opens nothing until the first request. */
export function createKubeApi(connection: KubeConnection, options: KubeClientOptions): KubeApi {
  return new KubeClient(connection, options);
}

class KubeClient implements KubeApi {
  readonly #connection: KubeConnection;
  readonly #options: KubeClientOptions;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #open = new Set<CallScope>();
  #renewedAtMs = -Infinity;
  #closed = false;

  constructor(connection: KubeConnection, options: KubeClientOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { version, connectTimeoutMs = 1500 } = options;
    this.#transport = createTransport(connection.server, { userAgent: `gatehouse/${version}`, connectTimeoutMs });
  }

  async request(request: KubeRequest): Promise<unknown> {
    const scope = this.#enter(request);
    try {
      const answer = await this.#answer(request, { scope, kind: 'pooled' });
      return parseAnswer(await readAnswerBody(answer, this.#options.maxAnswerBytes ?? MAX_ANSWER_BYTES));
    } catch (error) {
      throw reasonOf(scope, request, error);
    } finally {
      this.#leave(scope);
    }
  }

  async *watch(request: KubeRequest): AsyncGenerator<WatchEvent> {
    const scope = this.#enter(request);
    try {
      const answer = await this.#answer(request, { scope, kind: 'single' });
      request.onOpen?.();
      const idleMs = silenceAllowedMs(request);
      scope.within(idleMs, () => new KubeError('timeout', `WATCH ${request.path}: silent for ${idleMs} ms`));
      const lines = new WatchLines(this.#options.maxWatchLineBytes);
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        scope.extend();
        yield* lines.push(chunk);
      }
      lines.end();
    } catch (error) {
      throw reasonOf(scope, request, error);
    } finally {
      this.#leave(scope);
    }
  }

  close(): void {
    this.#closed = true;
    for (const scope of this.#open) scope.end(closedError());
    this.#transport.close();
  }

  #enter(request: KubeRequest): CallScope {
    this.#checkPermitted(request);
    const scope = openCallScope(request.signal);
    this.#open.add(scope);
    if (this.#closed) scope.end(closedError());
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    scope.within(timeoutMs, () => new KubeError('timeout', `${request.method} ${request.path}: no answer within ${timeoutMs} ms`));
    return scope;
  }

  #leave(scope: CallScope): void {
    scope.settle();
    // Whatever is still open of the call goes with it.
    scope.end(closedError());
    this.#open.delete(scope);
  }

  #checkPermitted(request: KubeRequest): void {
    const attributes = describeRequest(request);
    // Discovery and health are allowed to everybody.
    if (attributes.resource === '' || this.#options.permit === undefined || this.#options.permit(attributes)) return;
    const { verb, resource, namespace, name } = attributes;
    const what = [verb, resource, namespace, name].filter((word) => word !== '').join(' ');
    throw new KubeError('forbidden', `not in Gatehouse's own list of permissions: ${what}; a fault of Gatehouse, please report it`);
  }

  /** The head of a 2xx answer; whatever else came is thrown. */
  async #answer(request: KubeRequest, call: { readonly scope: CallScope; readonly kind: 'pooled' | 'single' }): Promise<IncomingMessage> {
    const { signal } = call.scope;
    const settings = await untilAborted(this.#connection.settings().catch(asCredentialsError), signal);
    signal.throwIfAborted();
    const answer = await this.#transport.send(request, { settings, signal, kind: call.kind });
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const body = await readAnswerBody(answer, MAX_ERROR_BYTES).then(String, () => '');
    if (status === 401) await untilAborted(this.#renew(), signal);
    throw failureOfAnswer(request, { status, headers: answer.headers, body }, Date.now());
  }

  async #renew(): Promise<void> {
    const nowMs = this.#clock.now();
    if (nowMs - this.#renewedAtMs < RENEW_INTERVAL_MS) return;
    this.#renewedAtMs = nowMs;
    await this.#connection.renew();
  }
}

/** What to throw: why the call was ended, if it was, else what happened to it. */
function reasonOf(scope: CallScope, request: KubeRequest, error: unknown): unknown {
  return scope.signal.aborted ? scope.signal.reason : failureOfConnection(request, error);
}

function asCredentialsError(error: unknown): never {
  const text = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
  throw new KubeError('unauthorized', `credentials for the API server cannot be had: ${text.slice(0, 200)}`, { cause: error });
}

function closedError(): KubeError {
  return new KubeError('unreachable', 'the client is closed');
}

function silenceAllowedMs(request: KubeRequest): number {
  const seconds = Number(request.query?.['timeoutSeconds'] ?? DEFAULT_WATCH_TIMEOUT_SECONDS);
  return (Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_WATCH_TIMEOUT_SECONDS) * 1000 + WATCH_SLACK_MS;
}

/** An exec plugin may hang: what waits for it must not. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
