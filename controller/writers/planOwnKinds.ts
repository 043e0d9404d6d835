import { RESOURCES } from '../cluster/resources.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { PoolStatus } from '../model/addressPool.ts';
import type { Condition } from '../model/objectBase.ts';
import { refOf } from '../model/objects.ts';
import type { PlanContext } from './planWrites.ts';
import { cutMessage, problemText } from './problemText.ts';
import { standingOf } from './standingStatus.ts';
import type { StatusWrite } from './statusWrite.ts';

/** Condition of objects of Gatehouse's own kinds: whether all of the object is obeyed. */
export const VALID = 'Valid';

const OWN_GROUP = 'gatehouse.dev';

/** Own kinds that have a status; that of ServiceVIPStatus is written by the node itself. */
const KINDS = ['IPAddressPool', 'L2Advertisement', 'BGPPeer', 'BGPAdvertisement', 'BFDProfile', 'Community'] as const;

/** Conditions of objects of our own group, and the use of pools. Objects of other products that we read are left alone. */
export function* planOwnKinds(context: PlanContext): Iterable<StatusWrite> {
  const { input } = context;
  const usages = new Map(input.pools.map((pool) => [`${pool.namespace}/${pool.name}`, pool]));
  for (const kind of KINDS) {
    for (const object of input.objects.list(kind)) {
      if (object.group !== OWN_GROUP) continue;
      const { uid, resourceVersion, namespace, name } = object.metadata;
      const usage = kind === 'IPAddressPool' ? usageOf(usages.get(`${namespace}/${name}`)) : null;
      const condition = { action: 'set' as const, ...validity(context.problemsOf(refOf(object))) };
      const wanted = { ingress: null, condition, usage };
      yield { ref: refOf(object), resource: RESOURCES[kind], uid, resourceVersion, wanted, standing: standingOf(object) };
    }
  }
}

/** A pool without a view gives nothing: its name is another's. */
function usageOf(pool: PlanContext['input']['pools'][number] | undefined): PoolStatus {
  return {
    assignedIPv4: pool?.ipv4.assigned ?? 0,
    assignedIPv6: pool?.ipv6.assigned ?? 0,
    availableIPv4: pool?.ipv4.available ?? 0,
    availableIPv6: pool?.ipv6.available ?? 0,
  };
}

function validity(problems: readonly Problem[]): Condition {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors.length > 0 ? errors : problems;
  if (first === undefined) return { type: VALID, status: 'True', reason: 'Valid', message: 'everything in it is obeyed' };
  const rest = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const message = cutMessage(`${problemText(first)}${rest}`);
  return errors.length > 0
    ? { type: VALID, status: 'False', reason: 'Invalid', message }
    : { type: VALID, status: 'True', reason: 'Warnings', message };
}
