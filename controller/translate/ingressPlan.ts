import type { BalancePolicy, CookieAffinity } from '../../core/ir/cluster.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { HeaderRule, PathMatch, RoutePolicy } from '../../core/ir/virtualHost.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';
import type { Ingress, IngressBackend } from '../model/ingress.ts';
import type { Denial } from './annotations/judgeUnsupported.ts';
import { canonicalPath } from './canonicalPath.ts';
import type { ClientAuthWish } from './clientAuthWish.ts';
import type { TransportPolicy, TransportWish } from './transportPolicy.ts';

/** An Ingress that Gatehouse serves. */
export interface SelectedIngress {
  readonly ingress: Ingress;
  /** The class that made it ours; empty when it was taken without one. */
  readonly className: string;
}

/** A host and path that an Ingress asks for. */
export interface PathClaim {
  readonly host: HostPattern;
  readonly match: PathMatch;
  readonly backend: IngressBackend;
  /** `spec.rules[0].http.paths[1]`, `spec.rules[0]` or `spec.defaultBackend`. */
  readonly field: string;
  /** What is said in a rule stands above what a default backend fills in. */
  readonly origin: 'rule' | 'defaultBackend';
}

/** When a canary Ingress takes a request; fields as in the snapshot's Canary. */
export interface CanaryRule {
  readonly header: { readonly name: string; readonly rule: HeaderRule } | null;
  readonly cookie: string | null;
  readonly weight: number;
  readonly weightTotal: number;
  readonly affinity: 'sticky' | 'legacy';
}

/** How the endpoints behind an Ingress are chosen. */
export interface BackendPolicy {
  readonly balance: BalancePolicy;
  readonly affinity: CookieAffinity | null;
  /** The balance is what holds by default; without affinity the cluster is then shared. */
  readonly hasDefaultBalance: boolean;
  /** Null: HTTP/1.1 in clear text. */
  readonly transport: TransportPolicy | null;
}

/** Everything one Ingress asks for. `planIngress` reads it without a look at any other object but the defaults. */
export interface IngressPlan {
  readonly ingress: Ingress;
  readonly ref: ObjectRef;
  /** Hosts of its rules, each once; `*` stands for rules without host and for an Ingress that is only a default backend. */
  readonly hosts: readonly HostPattern[];
  /** Each host, path and type once. */
  readonly claims: readonly PathClaim[];
  readonly policy: RoutePolicy;
  /** Its transport is found by `resolveTransports`. */
  readonly backendPolicy: BackendPolicy;
  /** Null: no annotation says how backends are spoken to. */
  readonly transportWish: TransportWish | null;
  /** Null: it says nothing about certificates of clients. */
  readonly clientAuthWish: ClientAuthWish | null;
  /** Field path of the annotation by which it asks for TLS passthrough; null: it does not. */
  readonly passthroughField: string | null;
  readonly redirect: 'never' | 'withTls' | 'always';
  /** Not null: it asks for protection that cannot be given, so that it is not served. */
  readonly denial: Denial | null;
  /** host → why its own paths there are not served. */
  readonly refusedHosts: ReadonlyMap<HostPattern, string>;
  /** Null: an ordinary Ingress. */
  readonly canary: CanaryRule | null;
  readonly problems: readonly Problem[];
}

/** Tells paths of one host apart: equal for claims of the same type that take the same requests, however they are spelt. */
export function matchKey(match: PathMatch): string {
  const path = canonicalPath(match.value);
  const isFolder = match.type === 'prefix' && path.length > 1 && path.endsWith('/');
  return `${match.type} ${isFolder ? path.slice(0, -1) : path}`;
}

/** Why the claims of a plan for a host are not served by themselves; null: they are. */
export function whyUnserved(plan: IngressPlan, host: HostPattern): string | null {
  return plan.denial?.reason ?? plan.refusedHosts.get(host) ?? null;
}

/** The plan with one more host on which it is not served. */
export function refuseHost(plan: IngressPlan, host: HostPattern, reason: string): IngressPlan {
  return { ...plan, refusedHosts: new Map([...plan.refusedHosts, [host, reason]]) };
}
