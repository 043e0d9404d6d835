import { isDeepStrictEqual } from 'node:util';
import type { WantedPeer } from '../bgpWanted.ts';

/**
 * What a change of a peer costs: `none`; `live`: the session goes on, and what is changed counts from now on (routes, BFD, how and when it is
 * connected to the next time); `session`: a new session, as it was said in OPEN or belongs to the connection.
 */
export type PeerChange = 'none' | 'live' | 'session';

/** By field. `addPathSend` is said in OPEN as yes or no, and how many is for this side alone. */
const COSTS: Readonly<Record<Exclude<keyof WantedPeer, 'addPathSend'>, Exclude<PeerChange, 'none'>>> = {
  name: 'session',
  localAsn: 'session',
  remoteAsn: 'session',
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

/** The most expensive of all fields that differ. */
export function peerChange(before: WantedPeer, after: WantedPeer): PeerChange {
  if (before === after) return 'none';
  const addPath: readonly PeerChange[] = before.addPathSend === after.addPathSend
    ? []
    : [(before.addPathSend > 0) === (after.addPathSend > 0) ? 'live' : 'session'];
  const fields = Object.keys(COSTS) as (keyof typeof COSTS)[];
  const changes = [...addPath, ...fields.filter((field) => !isDeepStrictEqual(before[field], after[field])).map((field) => COSTS[field])];
  return changes.includes('session') ? 'session' : changes.includes('live') ? 'live' : 'none';
}
