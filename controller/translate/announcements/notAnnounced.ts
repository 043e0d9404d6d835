import type { Problem } from '../../../core/ir/problem.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { problemOf } from '../problemOf.ts';

/** Kinds that ask for addresses to be announced. */
const ASKING = ['L2Advertisement', 'BGPAdvertisement', 'BGPPeer'] as const;

/** One warning per object whose wish this version checks but cannot fulfil yet: nobody is to wait for a session or an answer to ARP. */
export function notAnnounced(objects: ObjectIndex): readonly Problem[] {
  return ASKING.flatMap((kind) =>
    [...objects.list(kind)].map((object) =>
      problemOf(object, {
        severity: 'warning',
        field: '',
        rule: 'is checked, but this version does not announce addresses by ARP, NDP or BGP',
        effect: 'addresses are reached where they are on a machine already, or where the network routes them to',
      }),
    ),
  );
}
