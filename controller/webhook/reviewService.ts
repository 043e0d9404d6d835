import type { Problem } from '../../core/ir/problem.ts';
import { printIpAddress } from '../../core/net/ipAddress.ts';
import { compilePools, type PoolTable } from '../allocator/poolTable.ts';
import { isOurs, readWish, type ServiceWish } from '../allocator/serviceWish.ts';
import type { Service } from '../model/service.ts';
import { readServiceSettings } from '../translate/l4/serviceSettings.ts';
import { problemOf } from '../translate/problemOf.ts';
import type { ReviewContext } from './reviewInput.ts';

const NO_ADDRESS = 'the Service is given no address; one it has stays';

/** True for a Service that Gatehouse gives addresses. */
export function isOurService(service: Service, { options }: ReviewContext): boolean {
  return isOurs(service, options);
}

/** What is wrong with a Service by itself, and wishes that no pool can meet. Costs the number of all ranges of pools. */
export function judgeService(service: Service, { objects }: ReviewContext): readonly Problem[] {
  const wish = readWish(service);
  const faults = wish.fault === null ? [] : [problemOf(service, { ...wish.fault, severity: 'error', effect: NO_ADDRESS })];
  const unmet = faults.length > 0 ? [] : unmetWishes(wish, compilePools(objects.list('IPAddressPool')));
  return [...readServiceSettings(service).problems, ...wish.problems, ...faults, ...unmet];
}

function unmetWishes(wish: ServiceWish, table: PoolTable): readonly Problem[] {
  const problems: Problem[] = [];
  const pool = wish.pool === null ? null : (table.byName.get(wish.pool) ?? null);
  if (wish.pool !== null && pool === null) {
    problems.push(unmet(wish, { field: wish.poolField, rule: 'must name an IPAddressPool that exists', value: wish.pool }));
  }
  for (const address of wish.addresses) {
    const holder = table.find(address);
    if (holder !== null && (pool === null || holder === pool)) continue;
    const rule = pool === null ? 'must be in an IPAddressPool' : `must be in IPAddressPool ${pool.name}`;
    problems.push(unmet(wish, { field: wish.addressField, rule, value: printIpAddress(address) }));
  }
  return problems;
}

function unmet(wish: ServiceWish, finding: { readonly field: string; readonly rule: string; readonly value: string }): Problem {
  return problemOf(wish.service, { ...finding, severity: 'error', effect: NO_ADDRESS });
}
