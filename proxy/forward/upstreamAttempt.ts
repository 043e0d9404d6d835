import type { EndpointState } from '../balance/endpointState.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { ResponseHead, Tunnel } from '../http/exchange.ts';
import type { Fields } from '../http/fields.ts';
import type { UpstreamError, UpstreamHandler, UpstreamRequest } from '../http/upstream.ts';
import type { UpstreamTry } from '../observe/exchangeRecord.ts';

/** Who an attempt reports to. */
export interface AttemptOwner {
  ready(): void;
  backendWritable(): void;
  continueReceived(): void;
  informational(head: ResponseHead): void;
  head(head: ResponseHead): void;
  data(chunk: Buffer): boolean;
  ended(trailers: Fields | null): void;
  upgraded(head: ResponseHead, tunnel: Tunnel): void;
  failed(error: UpstreamError): void;
}

/** One try at one endpoint with its figures. Once detached it reports nothing, so a late callback reaches no later try. */
export class UpstreamAttempt implements UpstreamHandler {
  readonly target: EndpointState;
  /** From start to response head; null before. */
  latencyMs: number | null = null;
  responseBytes = 0;
  readonly #startedAtMs: number;
  readonly #clock: Clock;
  #owner: AttemptOwner | null;
  #request: UpstreamRequest | null = null;
  #status: number | null = null;

  constructor(owner: AttemptOwner, target: EndpointState, clock: Clock) {
    this.#owner = owner;
    this.target = target;
    this.#clock = clock;
    this.#startedAtMs = clock.now();
  }

  /** The try itself; set by the owner right after it has begun. */
  get request(): UpstreamRequest {
    if (this.#request === null) throw new Error('an attempt is used before it has begun');
    return this.#request;
  }

  set request(request: UpstreamRequest) {
    this.#request = request;
  }

  detach(): void {
    this.#owner = null;
  }

  /** The finished try for the record. */
  toTry(error: UpstreamError['code'] | null): UpstreamTry {
    return {
      endpoint: this.target.endpoint,
      responseLength: this.responseBytes,
      responseTimeMs: this.#clock.now() - this.#startedAtMs,
      status: this.#status,
      connectMs: this.#request?.connectMs ?? null,
      error,
    };
  }

  onReady(): void {
    this.#owner?.ready();
  }

  onWritable(): void {
    this.#owner?.backendWritable();
  }

  onContinue(): void {
    this.#owner?.continueReceived();
  }

  onInformational(head: ResponseHead): void {
    this.#owner?.informational(head);
  }

  onHead(head: ResponseHead): void {
    this.#arrived(head);
    this.#owner?.head(head);
  }

  onData(chunk: Buffer): boolean {
    this.responseBytes += chunk.length;
    return this.#owner?.data(chunk) ?? true;
  }

  onEnd(trailers: Fields | null): void {
    this.#owner?.ended(trailers);
  }

  onUpgrade(head: ResponseHead, tunnel: Tunnel): void {
    this.#arrived(head);
    if (this.#owner === null) tunnel.abort();
    else this.#owner.upgraded(head, tunnel);
  }

  onError(error: UpstreamError): void {
    this.#owner?.failed(error);
  }

  #arrived(head: ResponseHead): void {
    this.#status = head.status;
    this.latencyMs = this.#clock.now() - this.#startedAtMs;
  }
}
