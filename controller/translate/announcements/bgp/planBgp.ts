import type { Problem } from '../../../../core/ir/problem.ts';
import { NO_BGP, type BgpWanted } from '../../../announcer/bgp/bgpWanted.ts';
import type { ObjectIndex } from '../../../model/store.ts';
import type { TranslateOptions } from '../../translation.ts';
import type { VipWish } from '../announceVips.ts';
import { silenceOf } from '../notAnnounced.ts';
import { wantedPeers } from './wantedPeers.ts';
import { wantedRoutes } from './wantedRoutes.ts';

/** What this node's BGP speaker is to do, and what of the objects cannot be done. */
export function planBgp(
  wishes: readonly VipWish[], objects: ObjectIndex, options: TranslateOptions,
): { readonly bgp: BgpWanted; readonly problems: readonly Problem[] } {
  // Said once for each object, elsewhere.
  if (silenceOf(options) !== null) return { bgp: NO_BGP, problems: [] };
  const peers = wantedPeers(objects, options);
  if (peers.wanted.size === 0) return { bgp: NO_BGP, problems: peers.problems };
  const { routes, problems } = wantedRoutes(wishes, { objects, options, peers });
  return { bgp: { peers: peers.wanted, routes }, problems: [...peers.problems, ...problems] };
}
