import type { Problem } from '../../core/ir/problem.ts';
import type { Ingress } from '../model/ingress.ts';
import type { ObjectIndex } from '../model/store.ts';
import { compareAge } from '../translate/ingressAge.ts';
import { matchKey, type IngressPlan } from '../translate/ingressPlan.ts';
import { planIngress } from '../translate/steps/planIngress.ts';
import { readSettings } from '../translate/steps/readSettings.ts';
import { resolveClaims, type HostTable } from '../translate/steps/resolveClaims.ts';
import { selectIngresses } from '../translate/steps/selectIngresses.ts';
import type { Findings, ReviewContext } from './reviewInput.ts';

/** True when the Ingress is ours by its class and namespace. Costs the number of IngressClasses. */
export function isOurIngress(ingress: Ingress, { objects, options }: ReviewContext): boolean {
  return selectIngresses(onlyIngress(objects, ingress), options).selected.length > 0;
}

/**
 * Faults of an Ingress by itself, and hosts and paths that another Ingress has. Reads the tables of translation; costs one
 * look-up for each path of the Ingress, whatever number of Ingresses there is.
 */
export function judgeIngress(ingress: Ingress, before: Ingress | null, context: ReviewContext): Findings {
  const now = planOf(ingress, context);
  const was = before === null ? null : planOf(before, context);
  const { hosts } = context;
  return {
    now: [...now.problems, ...conflictsOf(now, hosts)],
    before: was === null ? [] : [...was.problems, ...conflictsOf(was, hosts)],
  };
}

function planOf(ingress: Ingress, { objects, options }: ReviewContext): IngressPlan {
  return planIngress(ingress, readSettings(objects, options).defaults);
}

/** Claims of the plan that an older Ingress holds: those holders alone are put through the step that settles claims. */
function conflictsOf(plan: IngressPlan, hosts: HostTable | null): readonly Problem[] {
  if (hosts === null || plan.canary !== null) return [];
  const rivals = new Map<string, IngressPlan>();
  for (const { host, match } of plan.claims) {
    const holder = hosts.get(host)?.get(matchKey(match));
    if (holder === undefined || isSame(holder.plan.ingress, plan.ingress)) continue;
    const { namespace, name } = holder.plan.ref;
    const known = rivals.get(`${namespace}/${name}`);
    const claims = [...(known?.claims ?? []), holder.claim];
    rivals.set(`${namespace}/${name}`, { ...holder.plan, hosts: [...new Set([...(known?.hosts ?? []), host])], claims });
  }
  const oldestFirst = [...rivals.values()].toSorted((a, b) => compareAge(a.ingress, b.ingress));
  return resolveClaims([...oldestFirst, plan]).problems.filter(({ object }) => object === null || isSameRef(object, plan.ref));
}

function isSame(a: Ingress, b: Ingress): boolean {
  return a.metadata.namespace === b.metadata.namespace && a.metadata.name === b.metadata.name;
}

function isSameRef(a: IngressPlan['ref'], b: IngressPlan['ref']): boolean {
  return a.namespace === b.namespace && a.name === b.name;
}

function onlyIngress(objects: ObjectIndex, ingress: Ingress): ObjectIndex {
  const list = (kind: Parameters<ObjectIndex['list']>[0]): Iterable<unknown> => (kind === 'Ingress' ? [ingress] : objects.list(kind));
  return { get: objects.get.bind(objects), slicesOf: objects.slicesOf.bind(objects), list: list as ObjectIndex['list'] };
}
