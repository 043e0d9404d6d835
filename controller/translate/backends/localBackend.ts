import type { Endpoints, EndpointSlice } from '../../model/endpoints.ts';
import { memoizeByObject } from '../memoize.ts';
import type { ReservedAddress, TranslateOptions } from '../translation.ts';
import { forbiddenAddress, readAddress } from './forbiddenAddress.ts';
import type { OwnVips, VipHolders } from './ownVips.ts';

/** What must not be a backend because it is ourselves or the machine we are on, and whether that is minded at all. */
export interface LocalRules extends Pick<TranslateOptions, 'allowLocalBackends' | 'localAddresses' | 'reserved'> {
  readonly ownVips: OwnVips;
}

/** Says of an address of one object, at a port, what makes it no backend: `a loopback address`; null: it may be one. */
export type LocalJudge = (host: string, port: number) => string | null;

const OWN_LISTENERS: Readonly<Record<ReservedAddress['protocol'], string>> = {
  http: 'the HTTP listener of this very node',
  https: 'the HTTPS listener of this very node',
  admin: 'the admin API of this very node',
};

/** What one object's addresses are, whoever looks. Both are empty for nearly all objects. */
interface Reading {
  /** Address as the object writes it → what it is that makes it no backend. */
  readonly forbidden: ReadonlyMap<string, string>;
  /** Address as the object writes it → its canonical form, where that is another. */
  readonly canonical: ReadonlyMap<string, string>;
}

const reading = memoizeByObject((object: EndpointSlice | Endpoints, _context: null): Reading => {
  const [forbidden, canonical] = [new Map<string, string>(), new Map<string, string>()];
  for (const text of addressesOf(object)) {
    const address = readAddress(text);
    if (address === null) continue;
    const what = forbiddenAddress(address);
    if (what !== null) forbidden.set(text, what);
    if (address.toString() !== text) canonical.set(text, address.toString());
  }
  return { forbidden, canonical };
});

/** Address as the object writes it → the VIP it is. */
const vipsIn = memoizeByObject((object: EndpointSlice | Endpoints, holders: VipHolders): ReadonlyMap<string, string> => {
  const { canonical } = reading(object, null);
  const vips = new Map<string, string>();
  for (const text of addressesOf(object)) {
    const address = canonical.get(text) ?? text;
    if (holders.has(address)) vips.set(text, address);
  }
  return vips;
});

/**
 * The judge of an object's addresses: whoever may write endpoints must not make the proxy a way to its own machine, its segment
 * or a metadata service (CVE-2021-25740), nor to itself, where one connection would become as many as there are descriptors.
 * Null: there is nothing to judge, every address of the object may be a backend.
 */
export function localJudgeOf(object: EndpointSlice | Endpoints, rules: LocalRules): LocalJudge | null {
  if (rules.allowLocalBackends) return null;
  const { forbidden } = reading(object, null);
  const vips = vipsIn(object, rules.ownVips.holders);
  const own = rules.reserved.filter(({ port }) => hasPort(object, port));
  if (forbidden.size === 0 && vips.size === 0 && own.length === 0) return null;
  return (host, port) => forbidden.get(host) ?? ownListener(own, host, port, rules) ?? ownVip(vips.get(host), port, rules.ownVips);
}

function ownListener(own: readonly ReservedAddress[], host: string, port: number, rules: LocalRules): string | null {
  const listener = own.find((candidate) => leadsTo(candidate, host, port, rules));
  return listener === undefined ? null : OWN_LISTENERS[listener.protocol];
}

/** Other ports of the address may be somebody's: an address of a node can be in a pool. */
function ownVip(vip: string | undefined, port: number, ownVips: OwnVips): string | null {
  const holder = vip === undefined ? undefined : ownVips.holders.get(vip)?.find((service) => ownVips.hasPort(service, port));
  return holder === undefined ? null : `the VIP of Service ${holder}, which leads back here,`;
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

/** Where it listens on one address only, the node's others are not its: a Pod on the host network may use them. */
function leadsTo(listener: ReservedAddress, host: string, port: number, { localAddresses }: LocalRules): boolean {
  if (listener.port !== port) return false;
  const address = readAddress(host)?.toString();
  const own = readAddress(listener.address);
  if (own?.range() !== 'unspecified') return own?.toString() === address;
  return localAddresses.some((local) => readAddress(local)?.toString() === address);
}
