import { printRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { IPAddressPool } from '../model/addressPool.ts';
import type { BGPAdvertisement, Community, L2Advertisement } from '../model/advertisements.ts';
import type { BFDProfile, BGPPeer } from '../model/bgpPeer.ts';
import { refOf } from '../model/objects.ts';
import type { ObjectIndex } from '../model/store.ts';
import { judgeAnnouncements } from '../translate/announcements/judgeAnnouncements.ts';
import { problemOf } from '../translate/problemOf.ts';
import { changedIndex } from './changedIndex.ts';
import type { Change, Findings } from './reviewInput.ts';

/** Kinds that say who announces what to whom. */
export type Announcement = L2Advertisement | BGPAdvertisement | BGPPeer | BFDProfile | Community;

/** Peers named in one problem. */
const MAX_NAMED = 3;

/** What would be wrong between announcements with the change and without it, whichever object it is said of. */
export function judgeAnnouncement({ ref, object, oldObject }: Change<Announcement | IPAddressPool>, objects: ObjectIndex): Findings {
  return {
    now: judgeAnnouncements(changedIndex(objects, ref, object)),
    before: judgeAnnouncements(changedIndex(objects, ref, oldObject)),
  };
}

/** Why a BFDProfile must stay: peers that are watched by it. */
export function usersOfProfile(profile: BFDProfile, objects: ObjectIndex): readonly Problem[] {
  const users = [...objects.list('BGPPeer')].filter(({ bfdProfile }) => bfdProfile === profile.metadata.name);
  const twins = [...objects.list('BFDProfile')].filter(({ metadata }) => metadata.name === profile.metadata.name);
  if (users.length === 0 || twins.length > 1) return [];
  const names = users.slice(0, MAX_NAMED).map((peer) => printRef(refOf(peer)));
  const others = users.length > MAX_NAMED ? ` and ${users.length - MAX_NAMED} more` : '';
  const rule = `must not be deleted while it is in use by ${names.join(', ')}${others}`;
  return [problemOf(profile, { severity: 'error', field: '', rule, effect: 'the profile stays' })];
}
