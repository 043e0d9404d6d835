import type { ClusterKey, CookieAffinity } from '../../core/ir/cluster.ts';
import { parseAffinityCookie } from '../balance/affinityCookie.ts';
import type { CookiesAndHeaders } from '../balance/request.ts';
import type { CanarySplit, ClusterChoice, CompiledCanary } from './canarySplit.ts';
import { judgeAlwaysNever, type Verdict } from './headerRule.ts';

/** What the canary decision asks about a cluster; `ClusterState` answers it. */
export interface SplitCluster {
  /** It has a ready endpoint. */
  readonly isAvailable: boolean;
  readonly affinity: CookieAffinity | null;
  /** Second part of an affinity cookie that belongs to this cluster. */
  readonly affinityHash: string;
}

/** Finds a cluster; undefined counts as one without endpoints. */
export interface SplitClusters {
  get(key: ClusterKey): SplitCluster | undefined;
}

/** The request and what decides beside it. `random` gives x with 0 ≤ x < 1. */
export interface ChoiceInput {
  readonly request: CookiesAndHeaders;
  readonly clusters: SplitClusters;
  readonly random: () => number;
}

/**
 * Primary or canary, in ingress-nginx's order: session of the primary, canaries without endpoints left out, session of
 * a canary, header, cookie, weight. With several canaries every step asks all of them, oldest Ingress first, before the
 * next step; a canary that is refused or has no endpoints leaves its share to the primary. A primary without endpoints
 * keeps the request (503) whatever the rules say. Called once per request: tries stay in the cluster chosen.
 */
export function chooseCluster(split: CanarySplit, input: ChoiceInput): ClusterChoice {
  if (split.canaries.length === 0) return split.primaryChoices.noCanary;
  const { request, clusters } = input;
  const primary = clusters.get(split.primary);
  if (primary === undefined || !primary.isAvailable) return split.primaryChoices.primaryUnavailable;
  const session = primary.affinity === null ? null : sessionCluster(request, primary.affinity);
  if (session !== null && session === primary.affinityHash) return split.primaryChoices.primarySession;

  const available = keep(split.canaries, (one) => clusters.get(one.canary.cluster)?.isAvailable === true);
  if (available.length === 0) return split.primaryChoices.canaryUnavailable;
  const pinned = session === null ? undefined : available.find((one) => ownsSession(one, session, clusters));
  if (pinned !== undefined) return pinned.choices.canarySession;

  return byRules(split, available, input);
}

function byRules(split: CanarySplit, available: readonly CompiledCanary[], input: ChoiceInput): ClusterChoice {
  const { request, random } = input;
  const byHeader = ask(available, (one) => headerVerdict(one, request));
  if (byHeader.chosen !== null) return byHeader.chosen.choices.header;
  if (byHeader.left.length === 0) return split.primaryChoices.headerRefused;

  const byCookie = ask(byHeader.left, (one) => cookieVerdict(one, request));
  if (byCookie.chosen !== null) return byCookie.chosen.choices.cookie;
  if (byCookie.left.length === 0) return split.primaryChoices.cookieRefused;

  const draw = Math.floor(random() * split.drawTotal) + 1;
  if (draw > split.lastCanaryDraw) return split.primaryChoices.weight;
  const owner = split.canaries.find((one) => draw <= one.lastDraw);
  return owner !== undefined && byCookie.left.includes(owner) ? owner.choices.weight : split.primaryChoices.weight;
}

interface Answer {
  readonly chosen: CompiledCanary | null;
  /** Canaries that were not refused. */
  readonly left: readonly CompiledCanary[];
}

/** The first canary that its rule chooses, else those not refused. */
function ask(canaries: readonly CompiledCanary[], judge: (one: CompiledCanary) => Verdict): Answer {
  let refused: Set<CompiledCanary> | null = null;
  for (const one of canaries) {
    const verdict = judge(one);
    if (verdict === 'choose') return { chosen: one, left: canaries };
    if (verdict === 'refuse') (refused ??= new Set()).add(one);
  }
  return { chosen: null, left: refused === null ? canaries : keep(canaries, (one) => !refused.has(one)) };
}

function headerVerdict(one: CompiledCanary, request: CookiesAndHeaders): Verdict {
  if (one.judgeHeader === null || one.canary.header === null) return 'pass';
  const value = request.header(one.canary.header.name);
  return value === undefined ? 'pass' : one.judgeHeader(value);
}

function cookieVerdict(one: CompiledCanary, request: CookiesAndHeaders): Verdict {
  if (one.canary.cookie === null) return 'pass';
  const value = request.cookie(one.canary.cookie);
  return value === undefined ? 'pass' : judgeAlwaysNever(value);
}

/** The cluster part of the request's affinity cookie; null: no cookie, or one of the old form without that part. */
function sessionCluster(request: CookiesAndHeaders, affinity: CookieAffinity): string | null {
  return parseAffinityCookie(request.cookie(affinity.name))?.clusterHash ?? null;
}

function ownsSession(one: CompiledCanary, session: string, clusters: SplitClusters): boolean {
  return one.canary.affinity === 'sticky' && clusters.get(one.canary.cluster)?.affinityHash === session;
}

/** Like `filter`, without a new array in the ordinary case that all stay. */
function keep(all: readonly CompiledCanary[], test: (one: CompiledCanary) => boolean): readonly CompiledCanary[] {
  return all.every(test) ? all : all.filter(test);
}
