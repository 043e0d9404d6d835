import { isDeepStrictEqual } from 'node:util';
import type { WantedPeer } from '../bgpWanted.ts';

/**
 * What a change of a peer costs: `none`; `live`: the session goes on, and what is changed counts from now on (routes, BFD, how and when it is
 * connected to the next time); `session`: a new session, as it was said in OPEN or belongs to the connection.
 */
export type PeerChange = 'none' | 'live' | 'session';

/** By field, but for those of which it depends. */
const COSTS: Readonly<Record<Exclude<keyof WantedPeer, 'addPathSend' | 'remoteAsn'>, Exclude<PeerChange, 'none'>>> = {
  name: 'session',
  localAsn: 'session',
  remote: 'session',
  port: 'session',
  sourceAddress: 'session',
  vrf: 'session',
  routerId: 'session',
  connect: 'live',
  delayOpenMs: 'live',
  holdTimeMs: 'session',
  keepaliveTimeMs: 'live',
  connectTimeMs: 'live',
  authentication: 'session',
  ttl: 'session',
  minimumTtl: 'session',
  families: 'session',
  gracefulRestart: 'session',
  role: 'session',
  bfd: 'live',
  shutdown: 'session',
};

/** The most expensive of all fields that differ. `remoteAsn`: of the session; null: there is none. */
export function peerChange(before: WantedPeer, after: WantedPeer, remoteAsn: number | null): PeerChange {
  if (before === after) return 'none';
  const fields = Object.keys(COSTS) as (keyof typeof COSTS)[];
  const changes = [
    ...addPathCost(before, after), ...asnCost(before, after, remoteAsn),
    ...fields.filter((field) => !isDeepStrictEqual(before[field], after[field])).map((field) => COSTS[field]),
  ];
  return changes.includes('session') ? 'session' : changes.includes('live') ? 'live' : 'none';
}

/** In OPEN it is said as yes or no; how many is for this side alone. */
function addPathCost({ addPathSend: before }: WantedPeer, { addPathSend: after }: WantedPeer): readonly PeerChange[] {
  if (before === after) return [];
  return [(before > 0) === (after > 0) ? 'live' : 'session'];
}

/** A rule that the peer's AS keeps as well ends no session. */
function asnCost(before: WantedPeer, { remoteAsn: rule, localAsn }: WantedPeer, remoteAsn: number | null): readonly PeerChange[] {
  if (isDeepStrictEqual(before.remoteAsn, rule)) return [];
  if (remoteAsn === null) return ['session'];
  const fits = rule.type === 'number' ? rule.asn === remoteAsn : (rule.type === 'internal') === (remoteAsn === localAsn);
  return [fits ? 'live' : 'session'];
}
