import type { IpAddress } from '../../../../core/net/ipAddress.ts';
import { inRange, type IpRange } from '../../../../core/net/ipRange.ts';
import type { BGPAdvertisement } from '../../../model/advertisements.ts';
import type { ObjectIndex } from '../../../model/store.ts';
import { selectedPools } from '../poolSelection.ts';
import { isTooNarrow, rangesOf } from './aggregate.ts';
import { createCommunityReader, type CommunityValues } from './communityValues.ts';

/** What a BGPAdvertisement announces, of what it is for. */
export interface Advertised {
  /** Ranges of pools that its prefixes must lie within. */
  readonly ranges: readonly IpRange[];
  /** Ranges of pools that are too narrow for its prefixes: nothing of them is announced. */
  readonly refused: readonly IpRange[];
  readonly communities: CommunityValues;
}

/** Those that announce anything; not those with a community that no object names, which may be the one that keeps routes from spreading. */
export function readAdvertisements(objects: ObjectIndex): ReadonlyMap<BGPAdvertisement, Advertised> {
  const read = createCommunityReader(objects.list('Community'));
  const pools = [...objects.list('IPAddressPool')];
  return new Map([...objects.list('BGPAdvertisement')].flatMap((advertisement): [BGPAdvertisement, Advertised][] => {
    const communities = read(advertisement.communities);
    if (communities === null) return [];
    const ranges = selectedPools(advertisement, pools).flatMap((pool) =>
      rangesOf(pool).map(({ range }) => ({ range, isRefused: isTooNarrow(pool, range.family, advertisement) })));
    const [announced = [], refused = []] = [false, true].map((kind) => ranges.filter(({ isRefused }) => isRefused === kind).map(({ range }) => range));
    return [[advertisement, { ranges: announced, refused, communities }]];
  }));
}

/** Whether an address is announced; also one that no pool has any more, as long as a Service has it. */
export function isAdvertised(address: IpAddress, advertised: Advertised | undefined): boolean {
  if (advertised === undefined) return false;
  const { ranges, refused } = advertised;
  return ranges.some((range) => inRange(range, address)) || !refused.some((range) => inRange(range, address));
}
