import type { ClientAuth } from '../../../core/ir/clientAuth.ts';
import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { ANY_HOST, type HostPattern } from '../../../core/net/hostPattern.ts';
import { readAuthorities, type Authorities } from '../../certificates/readAuthorities.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { denialEffect } from '../annotations/judgeUnsupported.ts';
import type { ClientAuthWish } from '../clientAuthWish.ts';
import { digestOf } from '../digest.ts';
import { refuseHost, type IngressPlan } from '../ingressPlan.ts';
import { findOwnSecret, printSecretName } from '../ownSecret.ts';
import { problemOf } from '../problemOf.ts';
import { accept, refuse, type Parsed } from '../values/parsed.ts';

/** What holds for hosts, and plans that know where they must not be served because of it. */
export interface ResolvedClientAuth {
  readonly plans: readonly IngressPlan[];
  readonly byHost: ReadonlyMap<HostPattern, ClientAuth>;
  /** host → why none of its paths may be served. */
  readonly deniedHosts: ReadonlyMap<HostPattern, string>;
  readonly problems: readonly Problem[];
}

/** What one Ingress demands of clients of its hosts. */
type Demand =
  | { readonly type: 'off' }
  | { readonly type: 'auth'; readonly auth: ClientAuth; /** Equal where equal clients are let in. */ readonly admission: string }
  | { readonly type: 'fault'; readonly rule: string };

/** The oldest Ingress of a host that says anything. */
interface Holder {
  readonly plan: IngressPlan;
  readonly demand: Demand;
}

interface Resolution {
  readonly holders: Map<HostPattern, Holder>;
  readonly problems: Problem[];
}

/** TLS sessions resume within one identity only, so no two may ever be equal by chance. */
const IDENTITY_CHARS = 32;

/**
 * Client certificates by host: TLS asks for them before a path is known, so the oldest Ingress of a host that says anything
 * decides for all of it. A younger one, or a canary, whose own demands that does not meet is not served there. A fault of the
 * deciding one denies the whole host. Plans come oldest first.
 */
export function resolveClientAuth(plans: readonly IngressPlan[], objects: ObjectIndex): ResolvedClientAuth {
  const resolution: Resolution = { holders: new Map(), problems: [] };
  const demands = plans.map((plan) => (plan.clientAuthWish === null ? null : demandOf(plan, plan.clientAuthWish, objects)));
  for (const [index, plan] of plans.entries()) {
    const demand = demands[index] ?? null;
    if (demand === null || plan.canary !== null) continue;
    for (const host of plan.hosts) if (!resolution.holders.has(host)) resolution.holders.set(host, { plan, demand });
  }
  const resolved = plans.map((plan, index) => refuseUnmet(plan, demands[index] ?? null, resolution));
  const byHost = new Map<HostPattern, ClientAuth>();
  const deniedHosts = new Map<HostPattern, string>();
  for (const [host, { plan, demand }] of resolution.holders) {
    if (demand.type === 'auth') byHost.set(host, demand.auth);
    if (demand.type === 'fault') deniedHosts.set(host, `${plan.clientAuthWish?.field ?? ''} ${demand.rule}`);
  }
  return { plans: resolved, byHost, deniedHosts, problems: resolution.problems };
}

function demandOf(plan: IngressPlan, wish: ClientAuthWish, objects: ObjectIndex): Demand {
  if (wish.type === 'off') return { type: 'off' };
  const authorities = authoritiesOf(plan, wish, objects);
  return authorities.ok ? authDemand(wish, authorities.value) : { type: 'fault', rule: authorities.rule };
}

function reportFault(plan: IngressPlan, rule: string, { holders, problems }: Resolution): void {
  const wish = plan.clientAuthWish;
  if (wish?.type !== 'asked') return;
  const isHolder = plan.hosts.some((host) => holders.get(host)?.plan === plan);
  const effect = plan.canary === null ? denialEffect(isHolder ? 'host' : 'ingress') : 'the canary takes no requests';
  const value = printSecretName(wish.secret);
  problems.push(problemOf(plan.ingress, { severity: 'error', field: wish.field, rule, value, effect }));
}

type AskedWish = ClientAuthWish & { readonly type: 'asked' };

function authoritiesOf(plan: IngressPlan, wish: AskedWish, objects: ObjectIndex): Parsed<Authorities> {
  const secret = findOwnSecret(plan.ref.namespace, wish.secret, objects);
  if (!secret.ok) return secret;
  const reading = readAuthorities(secret.value);
  switch (reading.type) {
    case 'authorities':
      return accept(reading.authorities);
    case 'fault':
      return refuse(`must name a Secret whose ${reading.field} ${reading.rule}`);
    case 'none':
      return refuse('must name a Secret with ca.crt');
  }
}

function authDemand(wish: AskedWish, { authoritiesPem, crlPem, digest }: Authorities): Demand {
  const { mode, depth, passCertificate, errorPage, matchCommonName } = wish;
  const admission = digestOf([digest, mode, depth, matchCommonName], IDENTITY_CHARS);
  const identity = digestOf([admission, passCertificate, errorPage], IDENTITY_CHARS);
  const auth = { identity, authoritiesPem, crlPem, mode, depth, passCertificate, errorPage, matchCommonName };
  return { type: 'auth', auth, admission };
}

/** The plan without the hosts on which somebody else decides less carefully than it demands. */
function refuseUnmet(plan: IngressPlan, demand: Demand | null, resolution: Resolution): IngressPlan {
  const field = plan.clientAuthWish?.field;
  if (demand === null || field === undefined) return plan;
  if (demand.type === 'fault') reportFault(plan, demand.rule, resolution);
  let refused = plan;
  for (const host of reachedHosts(plan)) {
    const holder = resolution.holders.get(host);
    if (holder?.plan === plan) continue;
    const verdict = judge(demand, holder?.demand ?? { type: 'off' });
    if (verdict === 'same') continue;
    const who = holder === undefined ? 'of the main Ingress' : `of an older Ingress, ${printRef(holder.plan.ref)}`;
    const rule = `should ask of clients of ${host} what the annotations ${who} ask`;
    if (verdict === 'unmet') refused = refuseHost(refused, host, `the host does not ask of clients what ${field} demands`);
    const effect = verdict === 'unmet' ? unmetEffect(plan) : 'those hold for its paths too';
    const severity = verdict === 'unmet' ? 'error' : 'warning';
    if (demand.type !== 'fault') resolution.problems.push(problemOf(plan.ingress, { severity, field, rule, effect }));
  }
  return refused;
}

/** The default backend of a canary stands beside every route of the catch-all host, whatever hosts its rules name. */
function reachedHosts(plan: IngressPlan): readonly HostPattern[] {
  const isEverywhere = plan.canary !== null && plan.ingress.defaultBackend !== null && !plan.hosts.includes(ANY_HOST);
  return isEverywhere ? [...plan.hosts, ANY_HOST] : plan.hosts;
}

function unmetEffect(plan: IngressPlan): string {
  return plan.canary === null ? 'its own paths there answer 503' : 'the canary takes no requests there';
}

/** Whether what holds on a host meets a demand: `otherwise` where it lets in nobody whom the demand keeps out. */
function judge(demand: Demand, holding: Demand): 'same' | 'otherwise' | 'unmet' {
  if (holding.type === 'fault') return 'same';
  if (demand.type === 'fault') return 'unmet';
  if (demand.type === 'off') return holding.type === 'off' ? 'same' : 'otherwise';
  if (holding.type === 'off' || holding.admission !== demand.admission) return 'unmet';
  return holding.auth.identity === demand.auth.identity ? 'same' : 'otherwise';
}
