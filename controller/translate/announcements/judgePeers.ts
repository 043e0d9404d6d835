import { isIPv6 } from 'node:net';
import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { parseIpAddress, printIpAddress } from '../../../core/net/ipAddress.ts';
import type { BFDProfile, BGPPeer } from '../../model/bgpPeer.ts';
import { refOf } from '../../model/objects.ts';
import { problemOf } from '../problemOf.ts';
import { meet, type NodeReach, type Reach } from './nodeReach.ts';

/** A field in which peers that meet on a node must agree, or must differ. */
interface PeerRule {
  readonly field: (peer: BGPPeer) => string;
  /** Peers with different scopes do not concern each other; null: the rule says nothing about this peer. */
  readonly scope: (peer: BGPPeer) => string | null;
  /** Peers of one scope must all have the same value; null: no two may be in one scope at all. */
  readonly value: ((peer: BGPPeer) => string) | null;
  readonly rule: (holder: BGPPeer) => string;
}

const RULES: readonly PeerRule[] = [
  {
    field: ({ peer }) => (peer.type === 'address' ? 'spec.peerAddress' : 'spec.interface'),
    scope: (peer) => JSON.stringify([peer.vrf, neighbourOf(peer)]),
    value: null,
    rule: (holder) => `must differ from those of other peers on the same nodes; ${printRef(refOf(holder))} has it`,
  },
  {
    field: () => 'spec.myASN',
    scope: ({ vrf }) => vrf ?? '',
    value: ({ myASN }) => String(myASN),
    rule: (holder) =>
      `must be that of all peers on the same nodes and in the same VRF (localASN may differ); ${printRef(refOf(holder))} has ${holder.myASN}`,
  },
  {
    field: () => 'spec.routerID',
    scope: ({ routerID }) => (routerID === null ? null : ''),
    value: ({ routerID }) => routerID ?? '',
    rule: (holder) => `must be that of all peers on the same nodes; ${printRef(refOf(holder))} has ${holder.routerID ?? ''}`,
  },
];

/** What a value of a scope is held by: the first peer, and all nodes on which a peer with it is spoken to. */
interface Holding {
  readonly holder: BGPPeer;
  reach: Reach;
}

/** A rule with what it was kept by: scope → value → who holds it. On no node two values of one scope are held. */
interface Book {
  readonly rule: PeerRule;
  readonly scopes: Map<string, Map<string, Holding>>;
}

/**
 * What BGPPeers that can meet on a node must agree in, as one router speaks to all of them: one router ID, one AS number per
 * VRF, no neighbour twice. The older peer counts; where it is left out itself, it keeps no other from being spoken to. Peers and
 * profiles come oldest first; costs the number of peers by the number of nodes.
 */
export function judgePeers(peers: readonly BGPPeer[], profiles: readonly BFDProfile[], reachOf: NodeReach): readonly Problem[] {
  const books = RULES.map((rule): Book => ({ rule, scopes: new Map() }));
  // Of two with one name the older counts.
  const byName = new Map(profiles.toReversed().map((profile) => [profile.metadata.name, profile]));
  return [
    ...peers.flatMap((peer) => enter(peer, reachOf(peer.nodeSelectors), books)),
    ...peers.flatMap((peer) => judgeProfile(peer, byName) ?? []),
  ];
}

/** Says what keeps a peer from being spoken to, and has it hold what it asks for on the nodes where nothing does. */
function enter(peer: BGPPeer, reach: Reach, books: readonly Book[]): readonly Problem[] {
  const problems: Problem[] = [];
  let left = reach;
  for (const { rule, scopes } of books) {
    const scope = rule.scope(peer);
    const opponents = scope === null ? [] : opponentsOf(valueOf(rule, peer), reach, scopes.get(scope) ?? new Map());
    for (const opponent of opponents) left = left.difference(opponent.reach);
    const [first] = opponents;
    if (first !== undefined) problems.push(contradiction(rule, peer, first.holder));
  }
  if (left.size > 0) for (const book of books) hold(book, peer, left);
  return problems;
}

/** Where no two may meet, every peer is a value of its own. */
function valueOf({ value }: PeerRule, peer: BGPPeer): string {
  return value === null ? printRef(refOf(peer)) : value(peer);
}

function opponentsOf(value: string, reach: Reach, holdings: ReadonlyMap<string, Holding>): readonly Holding[] {
  return [...holdings].filter(([other, holding]) => other !== value && meet(reach, holding.reach)).map(([, holding]) => holding);
}

function hold({ rule, scopes }: Book, peer: BGPPeer, reach: Reach): void {
  const scope = rule.scope(peer);
  if (scope === null) return;
  const holdings = scopes.get(scope) ?? new Map<string, Holding>();
  scopes.set(scope, holdings);
  const value = valueOf(rule, peer);
  const known = holdings.get(value);
  if (known === undefined) holdings.set(value, { holder: peer, reach });
  else known.reach = known.reach.union(reach);
}

function contradiction(rule: PeerRule, peer: BGPPeer, holder: BGPPeer): Problem {
  const value = rule.value === null ? neighbourOf(peer) : rule.value(peer);
  return problemOf(peer, {
    severity: 'error',
    field: rule.field(peer),
    rule: rule.rule(holder),
    value,
    effect: 'no session is opened to this peer where both are',
  });
}

function neighbourOf({ peer }: BGPPeer): string {
  if (peer.type === 'interface') return peer.interface;
  const address = parseIpAddress(peer.address);
  return address === null ? peer.address : printIpAddress(address);
}

/** A profile that is missing may come with the next object of the same file: a warning. */
function judgeProfile(peer: BGPPeer, profiles: ReadonlyMap<string, BFDProfile>): Problem | null {
  if (peer.bfdProfile === null) return null;
  const profile = profiles.get(peer.bfdProfile);
  const finding = { severity: 'warning', field: 'spec.bfdProfile', value: peer.bfdProfile } as const;
  if (profile === undefined) {
    return problemOf(peer, { ...finding, rule: 'must name a BFDProfile that exists', effect: 'the session is not watched by BFD until there is one' });
  }
  const why = profile.echoMode ? neverEchoes(peer) : null;
  if (why === null) return null;
  return problemOf(peer, { ...finding, rule: `must not have echoMode for a peer ${why}`, effect: 'no echo packets are sent to this peer' });
}

/** What of a peer keeps the echo function from it; null: nothing. One of the own AS has it where it is on the link, which shows later. */
function neverEchoes({ peer, ebgpMultiHop }: BGPPeer): string | null {
  if (peer.type === 'interface') return 'on an interface, which is spoken to over IPv6';
  if (isIPv6(peer.address)) return 'with an IPv6 address';
  return ebgpMultiHop ? 'with ebgpMultiHop (RFC 5883)' : null;
}
