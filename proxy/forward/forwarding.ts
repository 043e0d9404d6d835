import type { Transport } from '../../core/ir/transport.ts';
import type { RoutePolicy } from '../../core/ir/virtualHost.ts';
import type { EndpointState } from '../balance/endpointState.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { AbortReason, Exchange, ExchangeHandler, ResponseHead, Tunnel } from '../http/exchange.ts';
import type { Fields } from '../http/fields.ts';
import type { Upstream, UpstreamError, UpstreamHead } from '../http/upstream.ts';
import type { Deadline, Deadlines } from '../limits/deadlines.ts';
import { protocolErrorKind, type LocalAnswer } from '../observe/answerReason.ts';
import type { ExchangeDraft } from '../observe/exchangeRecord.ts';
import { decideRetry, type FailedTry } from './retryDecision.ts';
import { transportFor } from './transportFor.ts';
import { TunnelBridge } from './tunnelBridge.ts';
import { UpstreamAttempt } from './upstreamAttempt.ts';

/**
 * How long a client that sent Expect waits for the backend's word before it may send its body anyway: many servers
 * never answer 100, and some clients wait for ever (RFC 9110 section 10.1.1 lets the proxy decide).
 */
const CONTINUE_WAIT_MS = 1000;

/** An endpoint chosen for a try. */
export interface ChosenEndpoint {
  readonly target: EndpointState;
  /** Set-Cookie text that pins the client to it; null: none needed. */
  readonly setCookie: string | null;
}

/** The cluster's side of a forwarded request. */
export interface EndpointChooser {
  /** Ready endpoints in all. */
  readonly readyCount: number;
  /** How its endpoints are spoken to, as the cluster says; absent or null: HTTP/1.1 in clear text. */
  readonly transport?: Transport | null;
  /** Null when no endpoint is left that was not `tried`. */
  choose(tried: readonly EndpointState[]): ChosenEndpoint | null;
  started(target: EndpointState): void;
  /** `latencyMs`: start of the try to response head; null when there was none. */
  finished(target: EndpointState, latencyMs: number | null): void;
  connectSucceeded(target: EndpointState): void;
  connectFailed(target: EndpointState): void;
}

/** What is forwarded, decided before the first octet is sent. */
export interface ForwardPlan {
  readonly exchange: Exchange;
  /** The head a backend gets. */
  readonly head: UpstreamHead;
  readonly policy: RoutePolicy;
  readonly chooser: EndpointChooser;
  readonly draft: ExchangeDraft;
}

export interface ForwardDependencies {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly upstream: Upstream;
  /** Answers by the proxy itself, before any response head was sent. */
  readonly answer: (plan: ForwardPlan, status: number, by: LocalAnswer) => void;
  /** Last touch on a response head. */
  readonly finishHead: (head: ResponseHead, setCookie: string | null) => ResponseHead;
  /** The exchange is over and the draft complete but for sizes and times. */
  readonly onEnd: (plan: ForwardPlan) => void;
  readonly onTunnel: (bridge: TunnelBridge) => void;
  readonly onTunnelEnd: (bridge: TunnelBridge) => void;
}

/** Carries one exchange to a backend and its answer back, over as many tries as the policy allows. */
export class Forwarding implements ExchangeHandler {
  readonly #plan: ForwardPlan;
  readonly #deps: ForwardDependencies;
  readonly #startedAtMs: number;
  readonly #tried: EndpointState[] = [];
  #tries = 0;
  #attempt: UpstreamAttempt | null = null;
  #choice: ChosenEndpoint | null = null;
  #bodyBytes = 0;
  /** The current try takes body: its head is out, and no 100 is waited for. */
  #flowing = false;
  /** A piece of body that came while no try could take it: the exchange holds the rest back. */
  #early: Buffer | null = null;
  #bodyTaken = false;
  #bodyEnded = false;
  #trailers: Fields | null = null;
  #headSent = false;
  #over = false;
  #continueWait: Deadline | null = null;

  constructor(plan: ForwardPlan, deps: ForwardDependencies) {
    this.#plan = plan;
    this.#deps = deps;
    this.#startedAtMs = deps.clock.now();
  }

  get requestId(): string {
    return this.#plan.draft.requestId;
  }

  start(): void {
    this.#plan.exchange.start(this);
    const choice = this.#plan.chooser.choose([]);
    if (choice === null) this.#answer(503, 'noEndpoints');
    else this.#try(choice, true);
  }

  // The client's side.

  onBody(chunk: Buffer): boolean {
    this.#bodyBytes += chunk.length;
    const most = this.#plan.policy.maxBodyBytes;
    if (most !== null && this.#bodyBytes > most) {
      this.#abandonAttempt();
      if (this.#headSent) this.#cut('bodyTooLarge');
      else this.#answer(413, 'bodyTooLarge');
      return true;
    }
    if (!this.#flowing) {
      this.#early = chunk;
      return false;
    }
    this.#bodyTaken = true;
    return this.#attempt?.request.write(chunk) ?? true;
  }

  onBodyEnd(trailers: Fields | null): void {
    this.#bodyEnded = true;
    this.#trailers = trailers;
    if (this.#flowing) this.#attempt?.request.end(trailers);
  }

  onWritable(): void {
    this.#attempt?.request.resumeResponse();
  }

  onAbort(reason: AbortReason, answered: number | null): void {
    this.#abandonAttempt();
    const { draft } = this.#plan;
    if (!this.#headSent) draft.status = answered ?? CLIENT_GONE;
    draft.answeredBy = abortedBy(reason, answered);
    this.#end();
  }

  // The backend's side, called by the current attempt only.

  ready(): void {
    this.#plan.chooser.connectSucceeded(this.#target);
    if (this.#plan.head.expectsContinue && !this.#bodyEnded) this.#waitForContinue();
    else this.#flow();
  }

  backendWritable(): void {
    if (this.#flowing && !this.#bodyEnded && !this.#over) this.#plan.exchange.resumeBody();
  }

  continueReceived(): void {
    this.#stopWaiting();
    this.#plan.exchange.sendContinue();
    if (!this.#flowing) this.#flow();
  }

  informational(head: ResponseHead): void {
    this.#plan.exchange.sendInformational(head);
  }

  head(head: ResponseHead): void {
    this.#stopWaiting();
    const { statuses } = this.#plan.policy.retry.on;
    if (statuses.length > 0 && this.#tryAgain({ type: 'status', status: head.status })) return;
    this.#headSent = true;
    this.#plan.draft.status = head.status;
    this.#plan.draft.answeredBy = 'upstream';
    this.#plan.exchange.sendHead(this.#deps.finishHead(head, this.#choice?.setCookie ?? null));
  }

  data(chunk: Buffer): boolean {
    return this.#plan.exchange.write(chunk);
  }

  ended(trailers: Fields | null): void {
    this.#closeAttempt(null);
    this.#plan.exchange.end(trailers);
    this.#end();
  }

  upgraded(head: ResponseHead, backend: Tunnel): void {
    this.#stopWaiting();
    this.#headSent = true;
    this.#plan.draft.status = head.status;
    this.#plan.draft.answeredBy = 'upstream';
    const client = this.#plan.exchange.acceptUpgrade(this.#deps.finishHead(head, this.#choice?.setCookie ?? null));
    const { clock, deadlines } = this.#deps;
    const bridge = new TunnelBridge(client, backend, {
      clock,
      deadlines,
      idleTimeoutMs: this.#plan.policy.readTimeoutMs,
      onClose: (bytes) => {
        this.#deps.onTunnelEnd(bridge);
        if (this.#attempt !== null) this.#attempt.responseBytes = bytes.toClient;
        this.#closeAttempt(null);
        this.#end();
      },
    });
    this.#deps.onTunnel(bridge);
    bridge.start();
  }

  failed(error: UpstreamError): void {
    this.#stopWaiting();
    if (error.code === 'connectFailed' || error.code === 'connectTimeout' || error.code === 'tlsFailed') {
      this.#plan.chooser.connectFailed(this.#target);
    }
    if (!this.#headSent && this.#tryAgain({ type: 'error', error })) return;
    this.#closeAttempt(error.code);
    if (this.#headSent) return this.#cut('upstreamFailed');
    const timeout = error.code === 'connectTimeout' || error.code === 'readTimeout' || error.code === 'sendTimeout';
    this.#answer(timeout ? 504 : 502, timeout ? 'upstreamTimeout' : 'upstreamFailed');
  }

  get #target(): EndpointState {
    const choice = this.#choice;
    if (choice === null) throw new Error('a backend called back before an endpoint was chosen');
    return choice.target;
  }

  #try(choice: ChosenEndpoint, reuse: boolean): void {
    this.#choice = choice;
    this.#flowing = false;
    this.#tries += 1;
    if (!this.#tried.includes(choice.target)) this.#tried.push(choice.target);
    this.#plan.chooser.started(choice.target);
    const { policy, head } = this.#plan;
    const timeouts = { connectMs: policy.connectTimeoutMs, readMs: policy.readTimeoutMs, sendMs: policy.sendTimeoutMs };
    const { endpoint, key } = choice.target;
    const transport = transportFor(this.#plan.chooser.transport, head.scheme);
    const target = { endpoint, key, timeouts, transport, reuse };
    this.#attempt = new UpstreamAttempt(this, choice.target, this.#deps.clock);
    this.#attempt.request = this.#deps.upstream.request(target, head, this.#attempt);
  }

  /** Starts another try when the policy allows one; the failed one is closed then. */
  #tryAgain(failed: FailedTry): boolean {
    const decision = decideRetry(this.#plan.policy.retry, failed, {
      method: this.#plan.head.method,
      tries: this.#tries,
      endpoints: this.#plan.chooser.readyCount,
      elapsedMs: this.#deps.clock.now() - this.#startedAtMs,
      bodyTaken: this.#bodyTaken,
    });
    if (decision === 'no') return false;
    const choice = decision === 'sameEndpoint' ? this.#choice : this.#plan.chooser.choose(this.#tried);
    if (choice === null) return false;
    if (decision === 'sameEndpoint') this.#tries -= 1;
    if (failed.type === 'status') this.#attempt?.request.abort();
    this.#closeAttempt(failed.type === 'error' ? failed.error.code : null);
    this.#try(choice, decision !== 'sameEndpoint');
    return true;
  }

  /** Lets the body go to the current try, from what waits for it on. */
  #flow(): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    this.#flowing = true;
    const early = this.#early;
    this.#early = null;
    let room = true;
    if (early !== null) {
      this.#bodyTaken = true;
      room = attempt.request.write(early);
    }
    if (this.#bodyEnded) attempt.request.end(this.#trailers);
    else if (room) this.#plan.exchange.resumeBody();
  }

  #waitForContinue(): void {
    const wait: Deadline = { at: this.#deps.clock.now() + CONTINUE_WAIT_MS, expire: () => this.continueReceived() };
    this.#continueWait = wait;
    this.#deps.deadlines.add(wait);
  }

  #stopWaiting(): void {
    if (this.#continueWait === null) return;
    this.#deps.deadlines.delete(this.#continueWait);
    this.#continueWait = null;
  }

  #abandonAttempt(): void {
    this.#stopWaiting();
    this.#attempt?.request.abort();
    this.#closeAttempt(null);
  }

  /** Takes the current attempt off the books. */
  #closeAttempt(error: UpstreamError['code'] | null): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    this.#attempt = null;
    attempt.detach();
    this.#plan.chooser.finished(attempt.target, attempt.latencyMs);
    this.#plan.draft.tries.push(attempt.toTry(error));
  }

  #answer(status: number, by: LocalAnswer): void {
    this.#over = true;
    this.#deps.answer(this.#plan, status, by);
  }

  #cut(reason: AbortReason): void {
    this.#plan.exchange.abort(reason);
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopWaiting();
    this.#deps.onEnd(this.#plan);
  }
}

/** What the log shows for a client that got no status, as in nginx. */
const CLIENT_GONE = 499;

function abortedBy(reason: AbortReason, answered: number | null): LocalAnswer {
  switch (reason) {
    case 'clientTimeout':
      return 'requestTimeout';
    case 'clientProtocolError':
      return protocolErrorKind(answered ?? 400);
    case 'shutdown':
      return 'shutdown';
    case 'bodyTooLarge':
      return 'bodyTooLarge';
    case 'upstreamFailed':
      return 'upstreamFailed';
    case 'clientGone':
      return 'clientGone';
  }
}
