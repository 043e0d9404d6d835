import { misdirected, unfitClient, type CertificateCoverage, type Unfit } from './accept/connectionFit.ts';
import { hostOf } from './http/authority.ts';
import type { ClientConnection, RequestHead } from './http/exchange.ts';
import type { FilterInput } from './http/filters/filter.ts';
import type { ClientIdentity } from './http/forwardedFields.ts';
import type { LocalAnswer } from './observe/answerReason.ts';
import type { BalanceRequest } from './balance/request.ts';
import { chooseCluster, type SplitClusters } from './route/chooseCluster.ts';
import type { ClusterChoice } from './route/canarySplit.ts';
import { requestCookie } from './route/cookieValue.ts';
import type { CompiledRoute } from './route/hostRoutes.ts';
import { normalizePath } from './route/normalizePath.ts';
import type { RouteTable } from './route/routeTable.ts';
import type { RouteState } from './routeState.ts';

/** What a request is decided by. */
export interface DecisionTables {
  readonly routes: RouteTable<RouteState>;
  readonly clusters: SplitClusters;
  /** What else a TLS connection may carry than the host it was made for. */
  readonly covers: CertificateCoverage;
  readonly random: () => number;
}

/** What is decided about. */
export interface DecisionRequest {
  readonly head: RequestHead;
  readonly identity: ClientIdentity;
  readonly balance: BalanceRequest;
  /** The connection it came on; null: one that is right for it, as `explain` takes for granted. */
  readonly connection: Pick<ClientConnection, 'tls'> | null;
}

/** What happens to a request. Serving and explaining use the same decision. */
export type Decision =
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly by: LocalAnswer;
      /** Extra fields of the answer. */
      readonly fields: readonly [string, string][];
      /** Null before a route was found. */
      readonly route: CompiledRoute<RouteState> | null;
      /** In words, for `explain`. */
      readonly reason: string;
    }
  | {
      readonly type: 'forward';
      readonly route: CompiledRoute<RouteState>;
      readonly choice: ClusterChoice;
    };

/** Connection, host, path, filters, route action, canary: everything but the choice of an endpoint. */
export function decide(tables: DecisionTables, request: DecisionRequest): Decision {
  const { head, identity, balance, connection } = request;
  const path = head.target === '*' ? '*' : normalizePath(head.target);
  if (path === null) return answer(400, 'badRequest', 'the path climbs above the root or holds a broken percent-encoding');
  const tls = connection?.tls ?? null;
  const stray = tls === null ? null : misdirected(tls, balance.host, tables.covers);
  if (stray !== null) return refuse(stray, null);
  const match = tables.routes.match(balance.host, path);
  if (match.type === 'noHost') return answer(404, 'noHost', 'no rule names this host, and none is for every host');
  const policy = connection === null ? null : tables.routes.clientAuthFor(balance.host);
  const unfit = policy === null ? null : unfitClient(tls, policy);
  const route = match.type === 'route' ? match : null;
  // Over plain HTTP the way to HTTPS comes first, where there is one.
  if (unfit !== null && tls !== null) return refuse(unfit, route);
  if (route !== null) {
    const filtered = filter(route, { request: head, path, client: identity });
    if (filtered !== null) return filtered;
  }
  if (unfit !== null) return refuse(unfit, route);
  if (match.type === 'noPath') return answer(404, 'noPath', `no rule of host ${match.host} takes this path`);
  return act(tables, match, request);
}

function filter(route: CompiledRoute<RouteState>, input: FilterInput): Decision | null {
  for (const one of route.state.filters) {
    const own = one(input);
    if (own !== null) return { type: 'answer', status: own.status, by: 'redirect', fields: own.fields, route, reason: own.reason };
  }
  return null;
}

function act(tables: DecisionTables, match: CompiledRoute<RouteState>, { head, balance }: DecisionRequest): Decision {
  const { action } = match.route;
  if (action.type === 'respond' || match.state.split === null) {
    const { status, reason } = action.type === 'respond' ? action : { status: 503, reason: 'no cluster' };
    return { type: 'answer', status, by: 'respond', fields: [], route: match, reason };
  }
  const most = match.route.policy.maxBodyBytes;
  if (most !== null && head.bodyLength !== null && head.bodyLength > most) {
    return { ...answer(413, 'bodyTooLarge', `the body is larger than ${most} octets`), route: match };
  }
  const choice = chooseCluster(match.state.split, { request: balance, clusters: tables.clusters, random: tables.random });
  return { type: 'forward', route: match, choice };
}

/** What canary rules and balancing may look at in a request. Look-ups are lazy: most requests need none. */
export function balanceRequestOf(request: RequestHead, client: ClientIdentity): BalanceRequest {
  return new HeadBalanceRequest(request, client);
}

class HeadBalanceRequest implements BalanceRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly target: string;
  readonly remoteAddress: string;
  readonly #head: RequestHead;

  constructor(head: RequestHead, client: ClientIdentity) {
    this.#head = head;
    this.method = head.method;
    this.scheme = client.scheme;
    this.host = hostOf(head.authority);
    this.target = head.target;
    this.remoteAddress = client.address;
  }

  header(lowerName: string): string | undefined {
    const first = this.#head.fields.get(lowerName);
    return first === undefined ? undefined : this.#head.fields.getAll(lowerName).join(', ');
  }

  cookie(name: string): string | undefined {
    return requestCookie(this.#head.fields, name);
  }
}

function refuse({ status, by, fields, reason }: Unfit, route: CompiledRoute<RouteState> | null): Decision {
  return { type: 'answer', status, by, fields, route, reason };
}

function answer(status: number, by: LocalAnswer, reason: string): Extract<Decision, { type: 'answer' }> {
  return { type: 'answer', status, by, fields: [], route: null, reason };
}
