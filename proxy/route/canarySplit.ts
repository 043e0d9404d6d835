import type { ClusterKey } from '../../core/ir/cluster.ts';
import type { Canary, RouteAction } from '../../core/ir/virtualHost.ts';
import { compileHeaderRule, type HeaderJudge } from './headerRule.ts';

/** Why the primary cluster is taken. */
export type PrimaryReason =
  | 'noCanary'
  | 'primaryUnavailable'
  | 'primarySession'
  | 'canaryUnavailable'
  | 'headerRefused'
  | 'cookieRefused'
  | 'weight';

/** Why a canary is taken. */
export type CanaryReason = 'canarySession' | 'header' | 'cookie' | 'weight';

/** The cluster that serves a request. Made when the route is compiled: choosing allocates nothing. */
export type ClusterChoice =
  | {
      readonly cluster: ClusterKey;
      readonly canary: null;
      readonly reason: PrimaryReason;
      /** Cluster whose cookie affinity counts for this request. */
      readonly affinityFrom: ClusterKey;
    }
  | {
      readonly cluster: ClusterKey;
      readonly canary: Canary;
      readonly reason: CanaryReason;
      /** The primary for a sticky canary; null: the canary sets and reads no cookie (`legacy`). */
      readonly affinityFrom: ClusterKey | null;
    };

/** One canary with its rules compiled. */
export interface CompiledCanary {
  readonly canary: Canary;
  readonly judgeHeader: HeaderJudge | null;
  /** The canary owns the draws above the previous canary's `lastDraw` up to this one. */
  readonly lastDraw: number;
  readonly choices: Readonly<Record<CanaryReason, ClusterChoice>>;
}

/** A forwarding route's clusters with everything the decision needs, compiled once per configuration. */
export interface CanarySplit {
  readonly primary: ClusterKey;
  readonly canaries: readonly CompiledCanary[];
  /** Draws are integers from 1 to this; the one canary of a route has its own weightTotal here. */
  readonly drawTotal: number;
  /** Draws above this go to the primary. */
  readonly lastCanaryDraw: number;
  readonly primaryChoices: Readonly<Record<PrimaryReason, ClusterChoice>>;
}

/** Stands in for a common denominator too large to count in; shares are then exact to 12 digits. */
const LARGE_DRAW_TOTAL = 2 ** 40;

/** Compiles the clusters of a forwarding route. Shares that exceed 1 together are cut, older Ingresses first. */
export function compileCanarySplit(action: Extract<RouteAction, { type: 'forward' }>): CanarySplit {
  const drawTotal = commonTotal(action.canaries.map((canary) => canary.weightTotal));
  let lastDraw = 0;
  const canaries = action.canaries.map((canary) => {
    if (canary.weight > 0 && canary.weightTotal > 0) lastDraw += canary.weight * (drawTotal / canary.weightTotal);
    return compileCanary(canary, action.primary, lastDraw);
  });
  return {
    primary: action.primary,
    canaries,
    drawTotal,
    lastCanaryDraw: lastDraw,
    primaryChoices: primaryChoices(action.primary),
  };
}

function compileCanary(canary: Canary, primary: ClusterKey, lastDraw: number): CompiledCanary {
  const affinityFrom = canary.affinity === 'sticky' ? primary : null;
  const choice = (reason: CanaryReason): ClusterChoice => ({ cluster: canary.cluster, canary, reason, affinityFrom });
  return {
    canary,
    judgeHeader: canary.header === null ? null : compileHeaderRule(canary.header.rule),
    lastDraw,
    choices: {
      canarySession: choice('canarySession'),
      header: choice('header'),
      cookie: choice('cookie'),
      weight: choice('weight'),
    },
  };
}

function primaryChoices(primary: ClusterKey): Record<PrimaryReason, ClusterChoice> {
  const choice = (reason: PrimaryReason): ClusterChoice => ({
    cluster: primary,
    canary: null,
    reason,
    affinityFrom: primary,
  });
  return {
    noCanary: choice('noCanary'),
    primaryUnavailable: choice('primaryUnavailable'),
    primarySession: choice('primarySession'),
    canaryUnavailable: choice('canaryUnavailable'),
    headerRefused: choice('headerRefused'),
    cookieRefused: choice('cookieRefused'),
    weight: choice('weight'),
  };
}

/** Least common multiple, so that `weight / weightTotal` of every canary is a whole number of draws. */
function commonTotal(totals: readonly number[]): number {
  let common = 1;
  for (const total of totals) {
    if (total <= 0) continue;
    common *= total / greatestCommonDivisor(common, total);
    if (common > LARGE_DRAW_TOTAL) return LARGE_DRAW_TOTAL;
  }
  return common;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
