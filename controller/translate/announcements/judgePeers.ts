import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { parseIpAddress, printIpAddress } from '../../../core/net/ipAddress.ts';
import { refOf, type BFDProfile, type BGPPeer } from '../../model/objects.ts';
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

/** What a value of a scope is held by: the first peer, and all nodes of those that share it. */
interface Holding {
  readonly holder: BGPPeer;
  reach: Reach;
}

/**
 * What BGPPeers that can meet on a node must agree in, as one router speaks to all of them: one router ID, one AS number per
 * VRF, no neighbour twice. The older peer counts. Peers come oldest first; costs their number by the number of nodes.
 */
export function judgePeers(peers: readonly BGPPeer[], profiles: Iterable<BFDProfile>, reachOf: NodeReach): readonly Problem[] {
  const problems = RULES.flatMap((rule) => applyRule(rule, peers, reachOf));
  const byName = new Map([...profiles].map((profile) => [profile.metadata.name, profile]));
  for (const peer of peers) {
    const problem = judgeProfile(peer, byName);
    if (problem !== null) problems.push(problem);
  }
  return problems;
}

function applyRule(rule: PeerRule, peers: readonly BGPPeer[], reachOf: NodeReach): Problem[] {
  const problems: Problem[] = [];
  /** scope → value → who holds it. */
  const scopes = new Map<string, Map<string, Holding>>();
  for (const peer of peers) {
    const scope = rule.scope(peer);
    if (scope === null) continue;
    let holdings = scopes.get(scope);
    if (holdings === undefined) scopes.set(scope, (holdings = new Map()));
    const reach = reachOf(peer.nodeSelectors);
    // Where no two may meet, every peer is a value of its own.
    const value = rule.value === null ? printRef(refOf(peer)) : rule.value(peer);
    const holder = opponentOf(value, reach, holdings);
    if (holder === null) hold(holdings, value, { holder: peer, reach });
    else problems.push(contradiction(rule, peer, holder));
  }
  return problems;
}

function opponentOf(value: string, reach: Reach, holdings: ReadonlyMap<string, Holding>): BGPPeer | null {
  for (const [other, holding] of holdings) if (other !== value && meet(reach, holding.reach)) return holding.holder;
  return null;
}

function hold(holdings: Map<string, Holding>, value: string, added: Holding): void {
  const known = holdings.get(value);
  if (known === undefined) holdings.set(value, added);
  else known.reach = known.reach === 'every' || added.reach === 'every' ? 'every' : known.reach.union(added.reach);
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
  if (!profile.echoMode || !peer.ebgpMultiHop) return null;
  return problemOf(peer, { ...finding, rule: 'must not have echoMode for a peer with ebgpMultiHop (RFC 5883)', effect: 'the echo function is not used' });
}
