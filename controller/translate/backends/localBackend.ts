import type { Endpoints, EndpointSlice } from '../../model/objects.ts';
import { memoizeByObject } from '../memoize.ts';
import type { ReservedAddress, TranslateOptions } from '../translation.ts';
import { forbiddenAddress, readAddress } from './forbiddenAddress.ts';

/** What must not be a backend because of the machine we are on, and whether that is minded at all. */
export type LocalRules = Pick<TranslateOptions, 'allowLocalBackends' | 'localAddresses' | 'reserved'>;

/** Says of an address of one object, at a port, what makes it no backend: `a loopback address`; null: it may be one. */
export type LocalJudge = (host: string, port: number) => string | null;

const OWN_ADMIN = 'the admin API of this very node';

/** Address as the object writes it → what it is. Most objects have none: then the map is empty. */
const forbiddenIn = memoizeByObject((object: EndpointSlice | Endpoints, _context: null): ReadonlyMap<string, string> => {
  const forbidden = new Map<string, string>();
  for (const text of addressesOf(object)) {
    const address = readAddress(text);
    const what = address === null ? null : forbiddenAddress(address);
    if (what !== null) forbidden.set(text, what);
  }
  return forbidden;
});

/**
 * The judge of an object's addresses: whoever may write endpoints must not make the proxy a way to its own machine, its segment
 * or a metadata service (CVE-2021-25740). Null: there is nothing to judge, every address of the object may be a backend.
 */
export function localJudgeOf(object: EndpointSlice | Endpoints, rules: LocalRules): LocalJudge | null {
  if (rules.allowLocalBackends) return null;
  const forbidden = forbiddenIn(object, null);
  const admins = rules.reserved.filter(({ protocol, port }) => protocol === 'admin' && hasPort(object, port));
  if (forbidden.size === 0 && admins.length === 0) return null;
  return (host, port) => forbidden.get(host) ?? (admins.some((admin) => leadsTo(admin, host, port, rules)) ? OWN_ADMIN : null);
}

function hasPort(object: EndpointSlice | Endpoints, port: number): boolean {
  const lists = object.kind === 'EndpointSlice' ? [object.ports] : object.subsets.map(({ ports }) => ports);
  return lists.some((ports) => ports.some((entry) => entry.port === port));
}

/** All addresses of an object, ready or not. */
function* addressesOf(object: EndpointSlice | Endpoints): Iterable<string> {
  if (object.kind === 'EndpointSlice') {
    for (const { addresses } of object.endpoints) yield* addresses;
    return;
  }
  for (const subset of object.subsets) {
    yield* subset.addresses;
    yield* subset.notReadyAddresses;
  }
}

/** Where the admin API listens on one address only, the node's others are not its: a Pod on the host network may use them. */
function leadsTo(admin: ReservedAddress, host: string, port: number, { localAddresses }: LocalRules): boolean {
  if (admin.port !== port) return false;
  const address = readAddress(host)?.toString();
  const own = readAddress(admin.address);
  if (own?.range() !== 'unspecified') return own?.toString() === address;
  return localAddresses.some((local) => readAddress(local)?.toString() === address);
}
