import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { Community } from '../../model/advertisements.ts';
import { refOf, type Kind, type KubeObject } from '../../model/objects.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareAge } from '../ingressAge.ts';
import { problemOf } from '../problemOf.ts';
import { judgeAggregation, judgeLocalPref, judgeNarrowing, judgeReferences, type AdvertisementContext } from './judgeAdvertisements.ts';
import { judgePeers } from './judgePeers.ts';
import { createNodeReach } from './nodeReach.ts';

/**
 * What is wrong between L2Advertisements, BGPAdvertisements, BGPPeers, BFDProfiles and Communities, beyond what each says by
 * itself: `error` where two contradict each other, of which the older counts; `warning` where a name refers to nothing, as it
 * may be on its way, and where something is done in another way than one may think. Pure, and the same whatever order objects
 * came in. Costs the number of these objects by that of the nodes.
 */
export function judgeAnnouncements(objects: ObjectIndex): readonly Problem[] {
  const peers = oldestFirst(objects, 'BGPPeer');
  const communities = oldestFirst(objects, 'Community');
  const bgp = oldestFirst(objects, 'BGPAdvertisement');
  const reachOf = createNodeReach(objects.list('Node'));
  const pools = oldestFirst(objects, 'IPAddressPool');
  const context: AdvertisementContext = {
    pools,
    poolNames: new Set(pools.map(({ metadata }) => metadata.name)),
    peerNames: new Set(peers.map(({ metadata }) => metadata.name)),
    communityNames: new Set(communities.flatMap((object) => object.communities.map(({ name }) => name))),
    reachOf,
  };
  return [
    ...judgePeers(peers, oldestFirst(objects, 'BFDProfile'), reachOf),
    ...judgeCommunities(communities),
    ...[...oldestFirst(objects, 'L2Advertisement'), ...bgp].flatMap((advertisement) => judgeReferences(advertisement, context)),
    ...bgp.flatMap((advertisement) => judgeAggregation(advertisement, context.pools)),
    ...bgp.flatMap((advertisement) => judgeNarrowing(advertisement, context.pools)),
    ...judgeLocalPref(bgp, context),
  ];
}

function oldestFirst<K extends Kind>(objects: ObjectIndex, kind: K): Extract<KubeObject, { readonly kind: K }>[] {
  return [...objects.list(kind)].toSorted(compareAge);
}

/** Names are unique over all Community objects; the older one counts. */
function judgeCommunities(objects: readonly Community[]): Problem[] {
  const holders = new Map<string, Community>();
  const problems: Problem[] = [];
  for (const object of objects) {
    for (const [index, { name }] of object.communities.entries()) {
      const holder = holders.get(name);
      if (holder === undefined) holders.set(name, object);
      else problems.push(sameName(object, { index, name }, holder));
    }
  }
  return problems;
}

function sameName(object: Community, entry: { readonly index: number; readonly name: string }, holder: Community): Problem {
  return problemOf(object, {
    severity: 'error',
    field: `spec.communities[${entry.index}].name`,
    rule: `must differ from the names in all Community objects; ${printRef(refOf(holder))} has it`,
    value: entry.name,
    effect: `${printRef(refOf(holder))} says what it means`,
  });
}
