import type { Problem } from '../../../core/ir/problem.ts';
import type { L2Advertisement } from '../../model/advertisements.ts';
import type { Service } from '../../model/service.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareAge, compareText } from '../ingressAge.ts';
import { problemOf } from '../problemOf.ts';
import type { TranslateOptions } from '../translation.ts';

/** A Service with an address, and what is said about announcing it. */
interface Announced {
  readonly service: Service;
  readonly advertisements: readonly L2Advertisement[];
}

/** Which VIPs have a Lease, of those that are to. */
export interface LeaseChoice {
  readonly kept: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** Ours: each costs the API server a write every two seconds for as long as it is held. */
export const MAX_VIP_LEASES = 100;
const MOST_NAMED = 3;
const FIELD = 'spec.ownership';

/** Every advertisement of these, once. */
export function advertisementsOf(announced: readonly Announced[]): readonly L2Advertisement[] {
  return [...new Set(announced.flatMap(({ advertisements }) => advertisements))];
}

/** One that asks for it is enough: who must never have two owners must not get them by somebody else's word. */
export function wantsLease(advertisements: readonly L2Advertisement[]): boolean {
  return advertisements.some(({ ownership }) => ownership === 'lease');
}

/** The VIPs of the oldest Services have theirs, so that no new one takes an old one's. */
export function chooseLeases(
  byAddress: ReadonlyMap<string, readonly Announced[]>, objects: ObjectIndex, { leaseRefusal, kernelRefusal }: Pick<TranslateOptions, 'leaseRefusal' | 'kernelRefusal'>,
): LeaseChoice {
  const askers = [...objects.list('L2Advertisement')].filter(({ ownership }) => ownership === 'lease');
  // Where nothing is announced at all, that is said once.
  if (kernelRefusal !== null) return { kept: new Set(), problems: [] };
  if (leaseRefusal !== null) return { kept: new Set(), problems: askers.map((advertisement) => refused(advertisement, leaseRefusal)) };
  const leased = [...byAddress].filter(([, announced]) => wantsLease(advertisementsOf(announced))).toSorted(byAge);
  const beyond = leased.slice(MAX_VIP_LEASES);
  return {
    kept: new Set(leased.slice(0, MAX_VIP_LEASES).map(([address]) => address)),
    problems: [
      ...askers.flatMap((advertisement) => tooMany(advertisement, addressesOf(advertisement, beyond))),
      ...leased.flatMap(([address, announced]) => advertisementsOf(announced).filter(({ sharing }) => sharing === 'perClient').map((other) => shared(other, address))),
    ],
  };
}

type Entry = readonly [address: string, announced: readonly Announced[]];

function byAge([address, announced]: Entry, [otherAddress, others]: Entry): number {
  return compareAge(oldest(announced), oldest(others)) || compareText(address, otherAddress);
}

function oldest(announced: readonly Announced[]): Service {
  return announced.map(({ service }) => service).reduce((first, service) => (compareAge(service, first) < 0 ? service : first));
}

function addressesOf(advertisement: L2Advertisement, entries: readonly Entry[]): readonly string[] {
  return entries.filter(([, announced]) => advertisementsOf(announced).includes(advertisement)).map(([address]) => address);
}

function refused(advertisement: L2Advertisement, refusal: string): Problem {
  const rule = `cannot be carried out here: ${refusal}`;
  return problemOf(advertisement, { severity: 'error', field: FIELD, rule, value: 'lease', effect: 'this node answers for none of its addresses' });
}

function tooMany(advertisement: L2Advertisement, addresses: readonly string[]): readonly Problem[] {
  if (addresses.length === 0) return [];
  const named = addresses.slice(0, MOST_NAMED).join(', ') + (addresses.length > MOST_NAMED ? ` and ${addresses.length - MOST_NAMED} more` : '');
  const rule = `asks for more than ${MAX_VIP_LEASES} Leases, each of which is a write every two seconds`;
  return [problemOf(advertisement, { severity: 'error', field: FIELD, rule, value: 'lease', effect: `nobody answers for ${named}: the oldest Services come first` })];
}

function shared(advertisement: L2Advertisement, address: string): Problem {
  const rule = `cannot be perClient for ${address}, for which another L2Advertisement asks for a Lease`;
  return problemOf(advertisement, { severity: 'warning', field: 'spec.sharing', rule, value: 'perClient', effect: 'the holder of the Lease answers all clients' });
}
