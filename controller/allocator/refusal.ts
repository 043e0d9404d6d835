import { printIpAddress, type IpAddress, type IpFamily } from '../../core/net/ipAddress.ts';
import type { Problem } from '../../core/ir/problem.ts';
import { nearestName } from '../translate/annotations/nearestName.ts';
import { problemOf } from '../translate/problemOf.ts';
import { hasFamily, type Pool, type PoolTable } from './poolTable.ts';
import type { ServiceWish } from './serviceWish.ts';
import type { InUse } from './sharingTerms.ts';

/** Why a Service does not get what it asks for. */
export type Refusal =
  | { readonly type: 'fault'; readonly fault: NonNullable<ServiceWish['fault']> }
  | { readonly type: 'noPools' }
  | { readonly type: 'unknownPool'; readonly name: string }
  | { readonly type: 'outsidePools'; readonly address: IpAddress }
  | { readonly type: 'otherPool'; readonly address: IpAddress; readonly holder: Pool; readonly wanted: string }
  | { readonly type: 'twoPools'; readonly address: IpAddress; readonly holder: Pool; readonly pool: Pool }
  | { readonly type: 'excluded'; readonly address: IpAddress; readonly holder: Pool }
  | { readonly type: 'inUse'; readonly address: IpAddress; readonly inUse: InUse }
  | { readonly type: 'exhausted'; readonly families: readonly IpFamily[]; readonly pools: readonly Pool[] };

/** Pools named in one message; with more the reader is told how many there are. */
const MAX_NAMED_POOLS = 5;

/** The Service that is refused, and what it keeps nevertheless. */
export interface Refused {
  readonly wish: ServiceWish;
  readonly kept: readonly IpAddress[];
}

/** What a user is told: the rule, and how to meet it. */
export function describeRefusal(refusal: Refusal, { wish, kept: addresses }: Refused, table: PoolTable): Problem {
  const { field, rule, value } = ruleOf(refusal, wish, table);
  const kept = addresses.map(printIpAddress).join(' and ');
  return problemOf(wish.service, {
    // Without any pool the addresses are another product's business.
    severity: refusal.type === 'noPools' ? 'warning' : 'error',
    field,
    rule,
    value,
    effect: kept === '' ? 'the Service has no address' : `the Service keeps ${kept}`,
  });
}

interface Rule {
  readonly field: string;
  readonly rule: string;
  readonly value?: unknown;
}

function ruleOf(refusal: Refusal, wish: ServiceWish, table: PoolTable): Rule {
  switch (refusal.type) {
    case 'fault':
      return refusal.fault;
    case 'noPools':
      return {
        field: 'spec.type',
        rule: 'needs an IPAddressPool to take an address from; there is none',
        value: 'LoadBalancer',
      };
    case 'unknownPool':
      return { field: wish.poolField, rule: unknownPool(refusal.name, table), value: refusal.name };
    case 'exhausted':
      return { ...placeOfChoice(wish), rule: exhausted(refusal.families, refusal.pools, table) };
    case 'outsidePools':
    case 'otherPool':
    case 'twoPools':
    case 'excluded':
    case 'inUse':
      return { field: wish.addressField, rule: addressRule(refusal, table), value: printIpAddress(refusal.address) };
  }
}

type AddressRefusal = Extract<Refusal, { readonly address: IpAddress }>;

function addressRule(refusal: AddressRefusal, table: PoolTable): string {
  switch (refusal.type) {
    case 'outsidePools':
      return `must be in an IPAddressPool; ${listPools(table.pools)}`;
    case 'otherPool':
      return `must be in pool ${refusal.wanted}, which the Service asks for; it is in ${refusal.holder.name}`;
    case 'twoPools':
      return `must be in the pool of the Service's other address, ${refusal.pool.name}; it is in ${refusal.holder.name}`;
    case 'excluded':
      return `must not end in .0 or .255: pool ${refusal.holder.name} has avoidBuggyIPs`;
    case 'inUse':
      return inUseRule(refusal.inUse);
  }
}

function inUseRule(inUse: InUse): string {
  const taken = `must not be in use; Service ${inUse.by} has it`;
  switch (inUse.reason) {
    case 'noKey':
    case 'otherKey':
      return `${taken}, and only Services with the same annotation gatehouse.dev/allow-shared-ip share`;
    case 'trafficPolicy':
      return `${taken}, and Services share when externalTrafficPolicy of both is Cluster, or Local with the same selector`;
    case 'port':
      return `${taken} with port ${inUse.port}, and Services that share must differ in their ports`;
  }
}

function unknownPool(name: string, table: PoolTable): string {
  const near = nearestName(name, table.byName.keys());
  const hint = near === null ? '' : `; did you mean ${near}?`;
  return `must be the name of an IPAddressPool${hint === '' ? `; ${listPools(table.pools)}` : hint}`;
}

function exhausted(families: readonly IpFamily[], pools: readonly Pool[], table: PoolTable): string {
  const wanted = families.length > 1 ? 'both an IPv4 and an IPv6 address' : `an ${families[0] ?? 'IP'} address`;
  if (pools.length === 0) {
    return `must name a pool by the annotation gatehouse.dev/address-pool: none gives unasked (autoAssign); ${listPools(table.pools)}`;
  }
  const fitting = pools.filter((pool) => families.every((family) => hasFamily(pool, family)));
  if (fitting.length === 0) return `needs a pool that has ${wanted}; ${listPools(pools)}`;
  return `needs a pool with ${wanted} free; all are in use in ${nameAll(fitting.map(({ name }) => name))}`;
}

/** Where the user let us choose: the pool's annotation, or the type. */
function placeOfChoice(wish: ServiceWish): { readonly field: string; readonly value: string } {
  return wish.pool === null
    ? { field: 'spec.type', value: 'LoadBalancer' }
    : { field: wish.poolField, value: wish.pool };
}

function listPools(pools: readonly Pool[]): string {
  if (pools.length === 0) return 'there is none';
  return `there ${pools.length === 1 ? 'is' : 'are'} ${nameAll(pools.map(printPool))}`;
}

function printPool({ name, object }: Pool): string {
  return `${name} (${nameAll(object.addresses)})`;
}

function nameAll(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED_POOLS).join(', ');
  return names.length <= MAX_NAMED_POOLS ? shown : `${shown} and ${names.length - MAX_NAMED_POOLS} more`;
}
