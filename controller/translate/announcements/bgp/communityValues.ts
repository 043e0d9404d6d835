import type { LargeCommunity } from '../../../announcer/bgp/bgpWanted.ts';
import { WELL_KNOWN_COMMUNITIES } from '../../../announcer/bgp/wellKnownCommunities.ts';
import type { Community } from '../../../model/advertisements.ts';
import { compareAge } from '../../ingressAge.ts';

/** Communities as they are sent. */
export interface CommunityValues {
  readonly standard: readonly number[];
  readonly large: readonly LargeCommunity[];
}

/** Reads communities as BGPAdvertisements write them; null: one is a name that nothing has, so what all of them ask for is not known. */
export type ReadCommunities = (texts: readonly string[]) => CommunityValues | null;

/** True for a name that means the same everywhere. */
export function isWellKnownCommunity(name: string): boolean {
  return WELL_KNOWN_COMMUNITIES.has(name);
}

/** Names are those of all Community objects, of which the oldest counts, and then the well-known ones. */
export function createCommunityReader(objects: Iterable<Community>): ReadCommunities {
  const aliases = new Map<string, string>();
  for (const { communities } of [...objects].toSorted(compareAge)) {
    for (const { name, value } of communities) if (!aliases.has(name)) aliases.set(name, value);
  }
  return (texts) => {
    const values = texts.map((text) => (text.includes(':') ? text : (aliases.get(text) ?? text)));
    if (!values.every((value) => value.includes(':') || isWellKnownCommunity(value))) return null;
    const standard = values.flatMap(standardOf);
    const large = values.flatMap(largeOf);
    return { standard: [...new Set(standard)].toSorted((a, b) => a - b), large: sortedLarge(large) };
  };
}

/** Of several lists, each once. */
export function joinCommunities(lists: readonly CommunityValues[]): CommunityValues {
  return {
    standard: [...new Set(lists.flatMap(({ standard }) => standard))].toSorted((a, b) => a - b),
    large: sortedLarge(lists.flatMap(({ large }) => large)),
  };
}

function standardOf(text: string): readonly number[] {
  const known = WELL_KNOWN_COMMUNITIES.get(text);
  if (known !== undefined) return [known];
  if (text.startsWith('large:')) return [];
  const [high = 0, low = 0] = text.split(':').map(Number);
  return [high * 0x1_0000 + low];
}

function largeOf(text: string): readonly LargeCommunity[] {
  if (!text.startsWith('large:')) return [];
  const [administrator = 0, first = 0, second = 0] = text.split(':').slice(1).map(Number);
  return [[administrator, first, second]];
}

function sortedLarge(communities: readonly LargeCommunity[]): readonly LargeCommunity[] {
  const distinct = new Map(communities.map((community) => [community.join(':'), community]));
  return [...distinct.values()].toSorted((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
}
