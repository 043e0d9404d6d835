import type { Cluster } from '../core/ir/cluster.ts';
import type { Clock } from '../core/time/clock.ts';
import type { BalanceRequest } from './balance/request.ts';
import { ClusterChooser } from './clusterChooser.ts';
import { balanceRequestOf, decide, type Decision } from './decision.ts';
import type { ExplainTables } from './explain.ts';
import { Forwarding, type EndpointChooser, type ForwardDependencies } from './forward/forwarding.ts';
import type { TunnelBridge } from './forward/tunnelBridge.ts';
import { answerPage, httpDate, SERVER_NAME } from './http/errorPage.ts';
import type { AbortReason, Exchange, ExchangeHandler, ResponseHead } from './http/exchange.ts';
import type { ForwardedFields } from './http/forwardedFields.ts';
import { requestIdOf } from './http/requestId.ts';
import type { Upstream } from './http/upstream.ts';
import type { Deadlines } from './limits/deadlines.ts';
import type { LocalAnswer } from './observe/answerReason.ts';
import { draftOf, finishDraft, type ExchangeDraft, type ExchangeRecord } from './observe/exchangeRecord.ts';
import { routeSubject, type RouteSubject } from './observe/routeSubject.ts';
import type { ClusterChoice } from './route/canarySplit.ts';
import type { CompiledRoute } from './route/hostRoutes.ts';
import type { RouteState } from './routeState.ts';

export interface RequestHandlerDependencies {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly tables: ExplainTables;
  /** Connect failures have taken an endpoint out of its cluster. */
  readonly onEjected: (cluster: Cluster) => void;
  readonly forwardedFields: () => ForwardedFields;
  readonly upstream: Upstream;
  /** Every exchange once, when it is over. `logged`: its route wants an access log line. */
  readonly onRecord: (record: ExchangeRecord, logged: boolean) => void;
  /** Something threw that never should. */
  readonly onFault: (fault: unknown) => void;
  readonly onStart: () => void;
  readonly onTunnel: (bridge: TunnelBridge) => void;
  readonly onTunnelEnd: (bridge: TunnelBridge) => void;
}

interface InFlight {
  readonly exchange: Exchange;
  readonly draft: ExchangeDraft;
}

interface OwnAnswer {
  readonly status: number;
  readonly by: LocalAnswer;
  readonly fields: readonly [string, string][];
  readonly logged: boolean;
}

/** Takes exchanges from front codecs, decides, and answers or forwards them. One per worker. */
export class RequestHandler {
  readonly #deps: RequestHandlerDependencies;
  readonly #forwarding: ForwardDependencies;

  constructor(dependencies: RequestHandlerDependencies) {
    this.#deps = dependencies;
    const { clock, deadlines, upstream, onTunnel, onTunnelEnd } = dependencies;
    this.#forwarding = {
      clock,
      deadlines,
      upstream,
      onTunnel,
      onTunnelEnd,
      answer: (plan, status, by) => this.#answer(plan, { status, by, fields: [], logged: plan.policy.accessLog }),
      finishHead,
      onEnd: (plan) => this.#finish(plan, plan.policy.accessLog),
    };
  }

  handle(exchange: Exchange): void {
    this.#deps.onStart();
    const { request } = exchange;
    const draft = draftOf(exchange, requestIdOf(request.fields.get('x-request-id')));
    try {
      this.#route(exchange, draft);
    } catch (fault) {
      this.#deps.onFault(fault);
      exchange.start(new AnsweredHandler(draft.requestId));
      this.#answer({ exchange, draft }, { status: 500, by: 'internalError', fields: [], logged: true });
    }
  }

  #route(exchange: Exchange, draft: ExchangeDraft): void {
    const { request, client } = exchange;
    const { requestId } = draft;
    const forwarded = this.#deps.forwardedFields();
    const identity = forwarded.identify(request, client);
    draft.remoteAddress = identity.address;
    const balance = balanceRequestOf(request, identity);
    const decision = decide(this.#deps.tables, { head: request, identity, balance, connection: client });
    if (decision.route !== null) draft.subject = this.#subjectOf(decision.route, decision);
    if (decision.type === 'answer') {
      exchange.start(new AnsweredHandler(requestId));
      const logged = decision.route?.route.policy.accessLog ?? true;
      return this.#answer({ exchange, draft }, { ...decision, logged });
    }
    const { policy } = decision.route.route;
    const clientAuth = this.#deps.tables.routes.clientAuthFor(balance.host)?.auth ?? null;
    const head = forwarded.upstreamHead(request, client, { identity, requestId, host: policy.upstreamHost, clientAuth });
    const chooser = this.#chooserOf(decision.choice, decision.route, balance);
    new Forwarding({ exchange, head, policy, chooser, draft }, this.#forwarding).start();
  }

  #answer({ exchange, draft }: InFlight, own: OwnAnswer): void {
    draft.status = own.status;
    draft.answeredBy = own.by;
    answerPage(exchange, own.status, draft.requestId, own.fields);
    this.#finish({ exchange, draft }, own.logged);
  }

  #finish({ exchange, draft }: InFlight, logged: boolean): void {
    const record = finishDraft(draft, exchange, { nowMs: this.#deps.clock.now(), wallMs: Date.now() });
    this.#deps.onRecord(record, logged);
  }

  #chooserOf(choice: ClusterChoice, route: CompiledRoute<RouteState>, balance: BalanceRequest): EndpointChooser {
    const { clusters } = this.#deps.tables;
    const cluster = clusters.get(choice.cluster);
    if (cluster === undefined) return NO_ENDPOINTS;
    const affinity = choice.affinityFrom === null ? null : (clusters.get(choice.affinityFrom)?.affinity ?? null);
    const { onEjected } = this.#deps;
    return new ClusterChooser(cluster, { affinity, balance, routePath: route.route.match.value, onEjected });
  }

  #subjectOf(route: CompiledRoute<RouteState>, decision: Decision): RouteSubject {
    const key = decision.type === 'forward' ? decision.choice.cluster : null;
    const known = route.state.subjects.get(key);
    if (known !== undefined) return known;
    const { clusters } = this.#deps.tables;
    const { action } = route.route;
    const primary = action.type === 'forward' ? (clusters.get(action.primary)?.cluster ?? null) : null;
    const canary = decision.type === 'forward' && decision.choice.canary !== null && key !== null ? clusters.get(key) : undefined;
    const virtualHost = { host: route.host, routes: [] };
    const subject = routeSubject({ virtualHost, route: route.route, primary, canary: canary?.cluster ?? null });
    route.state.subjects.set(key, subject);
    return subject;
  }
}

/** For exchanges that are answered at once: what else comes of the request is dropped by the front codec. */
class AnsweredHandler implements ExchangeHandler {
  readonly requestId: string;

  constructor(requestId: string) {
    this.requestId = requestId;
  }

  onBody(_chunk: Buffer): boolean {
    return true;
  }
  onBodyEnd(): void {}
  onWritable(): void {}
  onAbort(_reason: AbortReason): void {}
}

const NO_ENDPOINTS: EndpointChooser = {
  readyCount: 0,
  choose: () => null,
  started: () => {},
  finished: () => {},
  connectSucceeded: () => {},
  connectFailed: () => {},
};

/** Date and Server as an origin would have given them (RFC 9110 section 6.6.1), and the cookie that pins the client. */
function finishHead(head: ResponseHead, setCookie: string | null): ResponseHead {
  const { fields } = head;
  if (fields.get('date') === undefined) fields.append('Date', 'date', httpDate(Date.now()));
  if (fields.get('server') === undefined) fields.append('Server', 'server', SERVER_NAME);
  if (setCookie !== null) fields.append('Set-Cookie', 'set-cookie', setCookie);
  return head;
}
