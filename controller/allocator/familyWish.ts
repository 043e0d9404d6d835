import { parseIpAddress, type IpFamily } from '../../core/net/ipAddress.ts';
import type { Service } from '../model/service.ts';

/** How many addresses a Service wants, and of which families. */
export type FamilyWish =
  /** One; `family` null: nothing is said, so IPv4 where there are pools of it, else IPv6. */
  | { readonly type: 'single'; readonly family: IpFamily | null }
  /** Two if one pool has both, else one, of the first family if possible; `stated` false: the order is our default. */
  | { readonly type: 'prefer'; readonly order: FamilyOrder; readonly stated: boolean }
  /** Both, or none. */
  | { readonly type: 'require'; readonly order: FamilyOrder };

/** Both families, the Service's first one first. */
export type FamilyOrder = readonly [IpFamily, IpFamily];

/**
 * Families by `ipFamilyPolicy` and `ipFamilies`, else by the cluster addresses, which an API server has chosen by them. Two
 * families without a policy mean RequireDualStack, as in the API.
 */
export function familyWishOf(service: Service): FamilyWish {
  const [first, second] = statedFamilies(service);
  const order: FamilyOrder = first === 'IPv6' ? ['IPv6', 'IPv4'] : ['IPv4', 'IPv6'];
  const policy = service.ipFamilyPolicy ?? (second === undefined ? 'SingleStack' : 'RequireDualStack');
  switch (policy) {
    case 'SingleStack':
      return { type: 'single', family: first ?? null };
    case 'PreferDualStack':
      // One cluster address: the cluster has one family, and so has the Service until that changes.
      if (first !== undefined && clusterFamilies(service).length === 1) return { type: 'single', family: first };
      return { type: 'prefer', order, stated: first !== undefined };
    case 'RequireDualStack':
      return { type: 'require', order };
  }
}

/** Most addresses that the wish is content with. */
export function wantedCount(wish: FamilyWish): 1 | 2 {
  return wish.type === 'single' ? 1 : 2;
}

function statedFamilies(service: Service): readonly IpFamily[] {
  return service.ipFamilies.length > 0 ? service.ipFamilies : clusterFamilies(service);
}

function clusterFamilies(service: Service): readonly IpFamily[] {
  return service.clusterIPs.flatMap((text) => parseIpAddress(text)?.family ?? []);
}
