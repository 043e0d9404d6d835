import { printIpAddress, type IpAddress, type IpFamily } from '../../core/net/ipAddress.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import { nearestName } from '../translate/annotations/nearestName.ts';
import { problemOf } from '../translate/problemOf.ts';
import { printAllocation, type AdmissionFault } from './admission.ts';
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
  /** Kept for another Service. */
  | { readonly type: 'reserved'; readonly address: IpAddress; readonly owner: string }
  /** Kept for this Service; another has it still. */
  | { readonly type: 'keptInUse'; readonly address: IpAddress; readonly inUse: InUse }
  /** `address` null: the pool was asked for by name. */
  | { readonly type: 'drained'; readonly address: IpAddress | null; readonly pool: Pool }
  | {
      readonly type: 'notAdmitted';
      readonly address: IpAddress | null;
      readonly pool: Pool;
      readonly fault: AdmissionFault;
    }
  /** Another process gives addresses. */
  | { readonly type: 'leader' }
  | { readonly type: 'exhausted'; readonly families: readonly IpFamily[]; readonly pools: readonly Pool[] };

/** One Service that does not have what it asks for: what an Event, a condition or a status view says of it. */
export interface AllocationRefusal {
  readonly service: ObjectRef;
  /** Closed list, for conditions and tests. */
  readonly reason: Refusal['type'];
  /** Field, rule, and what the Service has instead. */
  readonly message: string;
  /** What it keeps; empty: nothing. */
  readonly kept: readonly string[];
}

/** The same as `describeRefusal` for those who do not print problems. */
export function refusalView(refusal: Refusal, refused: Refused, table: PoolTable): AllocationRefusal {
  const { wish, kept } = refused;
  const { field, rule, effect } = describeRefusal(refusal, refused, table);
  const message = refusal.type === 'leader' ? rule : `${field}: ${rule}; ${effect}`;
  return { service: wish.ref, reason: refusal.type, message, kept: kept.map(printIpAddress) };
}

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
    case 'reserved':
      return { field: wish.addressField, rule: addressRule(refusal, table), value: printIpAddress(refusal.address) };
    case 'keptInUse':
      return { ...placeOfChoice(wish), rule: keptRule(refusal.address, refusal.inUse) };
    case 'drained':
    case 'notAdmitted':
      return { ...placeOfPool(wish, refusal.address), rule: poolRule(refusal) };
    case 'leader':
      return { field: 'spec.type', rule: 'waits for the leader to give an address', value: 'LoadBalancer' };
  }
}

type PoolRefusal = Extract<Refusal, { readonly type: 'drained' | 'notAdmitted' }>;

function poolRule(refusal: PoolRefusal): string {
  const { name } = refusal.pool;
  const subject = refusal.address === null ? 'must be a pool' : `must be in a pool`;
  if (refusal.type === 'drained') return `${subject} that gives addresses: ${name} is drained, so Services only keep what they have`;
  const fault = refusal.fault === 'namespace' ? 'namespace of the Service is not among them' : 'labels of the Service do not fit';
  return `${subject} that admits the Service: serviceAllocation of ${name} is ${printAllocation(refusal.pool) ?? ''}, and the ${fault}`;
}

function keptRule(address: IpAddress, inUse: InUse): string {
  const text = printIpAddress(address);
  return `waits for ${text}, which is kept for it and which Service ${inUse.by} still has; name another by annotation gatehouse.dev/load-balancer-ips to have one now`;
}

function placeOfPool(wish: ServiceWish, address: IpAddress | null): Rule {
  return address === null
    ? { field: wish.poolField, rule: '', value: wish.pool ?? '' }
    : { field: wish.addressField, rule: '', value: printIpAddress(address) };
}

type AddressRefusal = Exclude<
  Extract<Refusal, { readonly address: IpAddress }>,
  { readonly type: 'keptInUse' | 'drained' | 'notAdmitted' }
>;

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
    case 'reserved':
      return `must not be kept for another Service: its pool reserves it for ${refusal.owner}`;
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
    return `must name a pool by the annotation gatehouse.dev/address-pool: none gives unasked (autoAssign, serviceAllocation, drain); ${listPools(table.pools)}`;
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
