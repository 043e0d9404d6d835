import type { ClusterKey, CookieAffinity } from '../../../core/ir/cluster.ts';
import type { Canary, HeaderRule } from '../../../core/ir/virtualHost.ts';
import type { CookiesAndHeaders } from '../../balance/request.ts';
import { compileCanarySplit } from '../canarySplit.ts';
import { chooseCluster, type SplitCluster } from '../chooseCluster.ts';

export { COOKIE_AFFINITY } from '../../balance/testing/cookieAffinity.ts';

/** A canary of that cluster, without rules and without weight unless `rules` says so. */
export function canary(cluster: string, rules: Partial<Canary> = {}): Canary {
  return {
    cluster: cluster as ClusterKey,
    ingress: { kind: 'Ingress', namespace: 'shop', name: cluster },
    header: null,
    cookie: null,
    weight: 0,
    weightTotal: 100,
    affinity: 'sticky',
    ...rules,
  };
}

/** A header rule on `x-canary`. */
export function onHeader(rule: HeaderRule): Pick<Canary, 'header'> {
  return { header: { name: 'x-canary', rule } };
}

/** A request of name → value headers and cookies. */
export function requestWith(
  headers: Readonly<Record<string, string>> = {},
  cookies: Readonly<Record<string, string>> = {},
): CookiesAndHeaders {
  const headerMap = new Map(Object.entries(headers));
  const cookieMap = new Map(Object.entries(cookies));
  return { header: (name) => headerMap.get(name), cookie: (name) => cookieMap.get(name) };
}

/** Everything a decision depends on. `draw` is the integer the weight step is to draw, of `drawTotal`. */
export interface Decision {
  readonly canaries: readonly Canary[];
  readonly request?: CookiesAndHeaders;
  /** Clusters without endpoints. */
  readonly unavailable?: readonly string[];
  readonly affinity?: CookieAffinity | null;
  readonly random?: () => number;
}

/** Runs a decision with the primary `main`; cookies of cluster x end in `|hash-x`. */
export function decide(decision: Decision): { cluster: string; reason: string; affinityFrom: string | null } {
  const { canaries, request = requestWith(), unavailable = [], affinity = null, random = neverDrawn } = decision;
  const split = compileCanarySplit({ type: 'forward', primary: 'main' as ClusterKey, canaries });
  const get = (key: ClusterKey): SplitCluster => ({
    isAvailable: !unavailable.includes(key),
    affinity: key === 'main' ? affinity : null,
    affinityHash: `hash-${key}`,
  });
  return chooseCluster(split, { request, clusters: { get }, random });
}

/** A random source whose integer draw of 1..total is `draw`. */
export function drawing(draw: number, total = 100): () => number {
  return () => (draw - 0.5) / total;
}

function neverDrawn(): number {
  throw new Error('this decision must not need a draw');
}
