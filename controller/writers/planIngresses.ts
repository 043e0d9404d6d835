import { printRef } from '../../core/ir/objectRef.ts';
import { RESOURCES } from '../cluster/resources.ts';
import type { Ingress } from '../model/ingress.ts';
import { refOf } from '../model/objects.ts';
import type { PlanContext } from './planWrites.ts';
import { standingOf } from './standingStatus.ts';
import type { StatusWrite, WantedIngress } from './statusWrite.ts';

/** Addresses in the statuses of Ingresses that are ours, and those we left on Ingresses that no longer are. */
export function* planIngresses({ input, ownership }: PlanContext): Iterable<StatusWrite> {
  const published = input.ingressAddresses?.map(({ ip, hostname }) => ({ ip, hostname, ipMode: null, ports: [] }));
  const ours = new Set<string>();
  for (const { ref } of input.ingresses) {
    const ingress = input.objects.get('Ingress', ref.namespace, ref.name);
    if (ingress === undefined) continue;
    ours.add(printRef(ref));
    if (published !== undefined) yield writeOf(ingress, { action: 'set', entries: published });
  }
  for (const [key, { kind, namespace, name, uid, addresses }] of ownership) {
    if (kind !== 'Ingress' || ours.has(key)) continue;
    const ingress = input.objects.get('Ingress', namespace, name);
    if (ingress?.metadata.uid === uid) yield writeOf(ingress, { action: 'clear', owned: [...addresses].toSorted() });
  }
}

function writeOf(ingress: Ingress, entries: WantedIngress): StatusWrite {
  const { uid, resourceVersion } = ingress.metadata;
  const wanted = { ingress: entries, condition: null, usage: null };
  return { ref: refOf(ingress), resource: RESOURCES.Ingress, uid, resourceVersion, wanted, standing: standingOf(ingress) };
}
