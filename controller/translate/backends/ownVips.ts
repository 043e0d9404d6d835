import type { Assignments } from '../../allocator/assignment.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { memoizeByObject } from '../memoize.ts';

/** VIP, canonical → `namespace/name` of the Services that have it. */
export type VipHolders = ReadonlyMap<string, readonly string[]>;

/** The addresses and ports at which clients reach Gatehouse on any node. */
export interface OwnVips {
  /** The same object as long as no address changes. */
  readonly holders: VipHolders;
  /** Whether a port of the Service, `namespace/name`, has that number, whatever its protocol. */
  hasPort(service: string, port: number): boolean;
}

/** Nobody has any. */
export const NO_VIPS: OwnVips = { holders: new Map(), hasPort: () => false };

const holdersOf = memoizeByObject((assignments: Assignments, _context: null): VipHolders => {
  const holders = new Map<string, string[]>();
  for (const [service, { addresses }] of assignments) {
    for (const address of addresses) {
      const others = holders.get(address);
      if (others === undefined) holders.set(address, [service]);
      else others.push(service);
    }
  }
  return holders;
});

/** Those that Services have been given. */
export function ownVips(assignments: Assignments, objects: ObjectIndex): OwnVips {
  return {
    holders: holdersOf(assignments, null),
    hasPort: (service, wanted) => {
      const [namespace = '', name = ''] = service.split('/');
      return objects.get('Service', namespace, name)?.ports.some(({ port }) => port === wanted) === true;
    },
  };
}
