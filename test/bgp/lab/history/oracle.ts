import { isDeepStrictEqual } from 'node:util';
import type { Family } from '../router.ts';
import {
  PLANS, SERVICES, VIPS, type AdvertisementState, type PeerState, type PoolName, type ServiceName, type SessionName, type World,
} from './world.ts';

/** A route as a router must have it: by the words of docs/bgp.md and docs/crds.md, not by the code. Lists are sorted. */
export interface ExpectedRoute {
  readonly prefix: string;
  readonly family: Family;
  readonly asPath: readonly number[];
  /** Null: of eBGP, where each router says what it likes. */
  readonly localPref: number | null;
  readonly med: number | null;
  readonly communities: readonly string[];
  readonly largeCommunities: readonly string[];
  /** Octets per second. */
  readonly linkBandwidth: number | null;
  readonly onlyToCustomer: number | null;
}

const NO_EXPORT = '65535:65281';
const DEFAULT_LOCAL_PREF = 100;
const OCTETS_PER_ENDPOINT = 1_000_000;

/** Whether there is a session. */
export function isUp({ peers, zone }: World, name: SessionName): boolean {
  const peer = peers[name];
  const agrees = peer.peerAsn !== 'wrong' && (!PLANS[name].hasPassword || peer.password !== 'wrong');
  return peer.exists && agrees && !peer.shutdown && (peer.zone ?? zone) === zone;
}

/** Worlds that were there one after the other, each for a while. */
export type Trail = readonly World[];

/** Whether a session that is there first and last must be another one in between. */
export function isAnother(trail: Trail, name: SessionName): boolean {
  if (trail.some((world) => !isUp(world, name))) return true;
  return pairs(trail).some(([before, after]) => isOpenedAnew(before.peers[name], after.peers[name]));
}

/** The session, if there is one, goes on, and all its routes are as they were: it has heard of nothing. */
export function isUntouched(trail: Trail, name: SessionName): boolean {
  if (trail.every((world) => !isUp(world, name))) return true;
  if (isAnother(trail, name)) return false;
  return pairs(trail).every(([before, after]) => isDeepStrictEqual(expectedRoutes(before, name), expectedRoutes(after, name)));
}

function pairs(trail: Trail): readonly (readonly [World, World])[] {
  return trail.slice(1).map((after, index) => [trail[index] ?? after, after]);
}

/** What OPEN says or the connection is made with has changed; and routers take the end of BFD for a fault. */
function isOpenedAnew(before: PeerState, after: PeerState): boolean {
  return !isDeepStrictEqual(saidInOpen(before), saidInOpen(after)) || (before.bfdProfile !== null && after.bfdProfile === null);
}

function saidInOpen({ holdTimeS, role, gracefulRestart, addPathSend }: PeerState) {
  return { holdTimeS, role, gracefulRestart, hasPaths: addPathSend > 0 };
}

/** A prefix of one session, with what is said about it and the Services behind it. */
interface Group {
  readonly family: Family;
  readonly advertisements: Set<AdvertisementState>;
  readonly services: Set<ServiceName>;
}

/** What one router must have from one session, by prefix. */
export function expectedRoutes(world: World, session: SessionName): readonly ExpectedRoute[] {
  // What is drained is withdrawn in the end.
  if (!isUp(world, session) || world.excluded) return [];
  const groups = new Map<string, Group>();
  for (const advertisement of advertisementsFor(world, session)) {
    for (const { service, address, family } of addressesOf(world, advertisement)) {
      if (!PLANS[session].families.includes(family)) continue;
      const prefix = prefixOf(world, address, advertisement);
      const group = groups.get(prefix) ?? { family, advertisements: new Set(), services: new Set() };
      groups.set(prefix, group);
      group.advertisements.add(advertisement);
      group.services.add(service);
    }
  }
  const routes = [...groups].map(([prefix, group]) => routeOf(world, session, { prefix, ...group }));
  return routes.toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1));
}

function advertisementsFor({ advertisements, zone }: World, session: SessionName): readonly AdvertisementState[] {
  const isFor = ({ peers }: AdvertisementState) => peers.length === 0 || peers.includes(session);
  return Object.values(advertisements).filter((each) => (each.zone ?? zone) === zone && isFor(each));
}

/** Addresses of pools that an advertisement is for, of Services that clients find an endpoint of behind this node. */
function addressesOf({ pools, services }: World, { pools: names, tier }: AdvertisementState) {
  return SERVICES.flatMap((service) => {
    const state = services[service];
    const { pool, addresses } = VIPS[service];
    if (state === undefined || (names.length > 0 && !names.includes(pool))) return [];
    if (state.unready || (tier ?? state.tier) !== state.tier) return [];
    if (state.here === 0 && (state.local || state.elsewhere === 0)) return [];
    return addresses.flatMap((address) => {
      const family: Family = address.includes(':') ? 'ipv6' : 'ipv4';
      return spans(pools[pool]).some((span) => isIn(span, span, address)) ? [{ service, address, family }] : [];
    });
  });
}

function routeOf(world: World, session: SessionName, group: Group & { readonly prefix: string }): ExpectedRoute {
  const { prefix, family, advertisements, services } = group;
  const { internal, ownAsn } = PLANS[session];
  const all = [...advertisements];
  const named = all.flatMap(({ communities }) => communities);
  const texts = new Set(named.map((text) => (text === 'site' || text === 'rack' ? world.aliases[text] : text)));
  const large = [...texts].filter((text) => text.startsWith('large:'));
  const endpoints = [...services].reduce((sum, name) => sum + (world.services[name]?.here ?? 0), 0);
  const said = <K extends 'localPref' | 'med'>(field: K) => all.find((each) => each[field] !== null)?.[field] ?? null;
  return {
    prefix, family,
    asPath: internal ? [] : Array.from({ length: 1 + Math.max(...all.map(({ asPathPrepend }) => asPathPrepend)) }, () => ownAsn),
    localPref: internal ? (said('localPref') ?? DEFAULT_LOCAL_PREF) : null,
    med: said('med'),
    communities: [...texts].filter((text) => !large.includes(text)).map((text) => (text === 'no-export' ? NO_EXPORT : text)).toSorted(),
    largeCommunities: large.map((text) => text.slice('large:'.length)).toSorted(),
    linkBandwidth: all.some(({ linkBandwidth }) => linkBandwidth) ? Math.max(1, endpoints) * OCTETS_PER_ENDPOINT : null,
    onlyToCustomer: !internal && world.peers[session].role === 'provider' ? ownAsn : null,
  };
}

/** Addresses of the lab's pools differ from those before them in the last octets alone: as a number, and what is before that. */
interface Span {
  readonly net: string;
  readonly first: number;
  readonly last: number;
}

function spans(ranges: readonly string[] | null): readonly Span[] {
  return (ranges ?? []).map((range) => {
    const [first = '', last = ''] = range.split('-');
    if (last !== '') return { net: numberOf(first).net, first: numberOf(first).value, last: numberOf(last).value };
    const [address = '', length = ''] = range.split('/');
    const { net, value } = numberOf(address);
    return { net, first: value, last: value + 2 ** ((net.includes(':') ? 128 : 32) - Number(length)) - 1 };
  });
}

function numberOf(address: string): { readonly net: string; readonly value: number } {
  const end = address.lastIndexOf(':') + 1;
  if (end > 0) return { net: address.slice(0, end), value: Number.parseInt(`0${address.slice(end)}`, 16) };
  const [one, two, three, four] = address.split('.');
  return { net: `${one}.${two}.`, value: Number(three) * 256 + Number(four) };
}

function isIn(span: Span, { first, last }: Pick<Span, 'first' | 'last'>, address: string): boolean {
  const { net, value } = numberOf(address);
  return net === span.net && span.first <= first && last <= span.last && first <= value && value <= last;
}

/** The network of the length asked for around an address, or as much of it as one range has. */
function prefixOf({ pools }: World, address: string, { pools: names, aggregationLength, aggregationLengthV6 }: AdvertisementState): string {
  const { net, value } = numberOf(address);
  const [bits, wanted] = net.includes(':') ? [128, aggregationLengthV6] : [32, aggregationLength];
  const chosen = (Object.keys(pools) as PoolName[]).filter((name) => names.length === 0 || names.includes(name));
  const own = chosen.flatMap((name) => spans(pools[name]));
  for (let length = wanted; ; length += 1) {
    const size = 2 ** (bits - length);
    const first = value - (value % size);
    if (length < bits && !own.some((span) => isIn(span, { first, last: first + size - 1 }, address))) continue;
    const text = bits === 128 ? (first === 0 ? '' : first.toString(16)) : `${Math.floor(first / 256)}.${first % 256}`;
    return `${net}${text}/${length}`;
  }
}
