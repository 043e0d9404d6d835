import type { CookieAffinity } from '../../core/ir/cluster.ts';
import { opaqueHash, parseAffinityCookie } from './affinityCookie.ts';
import { isCandidate, type Candidates } from './candidates.ts';
import type { Choice, EndpointState } from './endpointState.ts';
import type { MaglevRing } from './maglevRing.ts';
import type { Policy } from './policy.ts';
import type { BalanceRequest } from './request.ts';

/** Session ids drawn for a new balanced session until one lives at a candidate; ingress-nginx's figure. */
const MAX_SESSION_DRAWS = 20;

/** What sessions of a cluster are chosen with. */
export interface SessionsOptions {
  readonly clusterHash: string;
  readonly ring: MaglevRing;
  readonly random: () => number;
}

/** Cookie affinity of one cluster: which endpoint a session lives at, and where a new one goes. */
export class Sessions {
  readonly #clusterHash: string;
  readonly #ring: MaglevRing;
  readonly #random: () => number;
  readonly #keys = new WeakMap<EndpointState, string>();
  #members: readonly EndpointState[] = [];
  /** first part of the persistent cookie → ready endpoint; null: not made since the members changed. */
  #byKey: Map<string, EndpointState> | null = null;

  constructor(options: SessionsOptions) {
    this.#clusterHash = options.clusterHash;
    this.#ring = options.ring;
    this.#random = options.random;
  }

  /** Replaces the ready endpoints. */
  setMembers(members: readonly EndpointState[]): void {
    this.#members = members;
    this.#byKey = null;
  }

  /**
   * The endpoint of the request's session, or of a new one, whose cookie is then to be set. A session whose endpoint
   * is out for the moment visits another, always the same one, and keeps its cookie, unless `changeOnFailure`.
   */
  choose(affinity: CookieAffinity, candidates: Candidates, request: BalanceRequest, policy: Policy): Choice {
    const held = this.find(affinity, candidates, request);
    if (held !== null) return held.plainChoice;
    if (affinity.mode === 'balanced') return this.#newBalanced(candidates);
    const target = policy.choose(candidates, request);
    return { target, cookieValue: this.#print(this.#keyOf(target)) };
  }

  /** The endpoint of the request's session; null: it has none here, and a new one would begin. Changes nothing. */
  find(affinity: CookieAffinity, candidates: Candidates, request: BalanceRequest): EndpointState | null {
    const cookie = parseAffinityCookie(request.cookie(affinity.name));
    if (cookie === null) return null;
    const { session } = cookie;
    if (affinity.mode === 'balanced') {
      const isHome = isCandidate(candidates, this.#ring.home(session));
      return isHome || !affinity.changeOnFailure ? this.#ring.pick(session, candidates) : null;
    }
    const pinned = this.#index().get(session);
    if (pinned === undefined) return null;
    if (isCandidate(candidates, pinned)) return pinned;
    // With the client's address, or all sessions of the endpoint would fall on one other.
    return affinity.changeOnFailure ? null : this.#ring.pick(`${session} ${request.remoteAddress}`, candidates);
  }

  #newBalanced(candidates: Candidates): Choice {
    let session = newSessionId(this.#random);
    for (let draw = 1; draw < MAX_SESSION_DRAWS; draw += 1) {
      if (isCandidate(candidates, this.#ring.home(session))) break;
      session = newSessionId(this.#random);
    }
    return { target: this.#ring.pick(session, candidates), cookieValue: this.#print(session) };
  }

  #index(): Map<string, EndpointState> {
    return (this.#byKey ??= new Map(this.#members.map((state) => [this.#keyOf(state), state])));
  }

  /** Salted with the cluster, so that two clusters' sessions at one address stay apart. */
  #keyOf(state: EndpointState): string {
    const known = this.#keys.get(state);
    if (known !== undefined) return known;
    const key = opaqueHash(`${this.#clusterHash} ${state.key}`);
    this.#keys.set(state, key);
    return key;
  }

  #print(session: string): string {
    return `${session}|${this.#clusterHash}`;
  }
}

/** 128 random bits as hex. Needs no secrecy: knowing one only tells which endpoint it hashes to. */
function newSessionId(random: () => number): string {
  let id = '';
  for (let word = 0; word < 4; word += 1) id += Math.floor(random() * 2 ** 32).toString(16).padStart(8, '0');
  return id;
}
