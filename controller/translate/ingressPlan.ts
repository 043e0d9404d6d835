import type { BalancePolicy, CookieAffinity } from '../../core/ir/cluster.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { HeaderRule, PathMatch, RoutePolicy } from '../../core/ir/virtualHost.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';
import type { Ingress, IngressBackend } from '../model/objects.ts';
import type { Denial } from './annotations/judgeUnsupported.ts';
import { canonicalPath } from './canonicalPath.ts';

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
}

/** Everything one Ingress asks for, read without a look at any other object but the defaults. */
export interface IngressPlan {
  readonly ingress: Ingress;
  readonly ref: ObjectRef;
  /** Hosts of its rules, each once; `*` stands for rules without host and for an Ingress that is only a default backend. */
  readonly hosts: readonly HostPattern[];
  /** Each host, path and type once. */
  readonly claims: readonly PathClaim[];
  readonly policy: RoutePolicy;
  readonly backendPolicy: BackendPolicy;
  readonly redirect: 'never' | 'withTls' | 'always';
  /** Not null: it asks for protection that cannot be given, so that it is not served. */
  readonly denial: Denial | null;
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
