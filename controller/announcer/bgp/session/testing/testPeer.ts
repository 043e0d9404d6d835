import type { WantedPeer } from '../../bgpWanted.ts';
import type { OpenMessage } from '../../codec/message.ts';
import type { ConnectionEnds, SessionOptions } from '../sessionEvents.ts';

/** A router in AS 65001 that both sides connect to; this side is AS 64512, 192.0.2.1. */
export function testPeer(changes: Partial<WantedPeer> = {}): WantedPeer {
  return {
    name: 'gatehouse/router',
    localAsn: 64_512,
    remoteAsn: { type: 'number', asn: 65_001 },
    remote: { type: 'address', address: '192.0.2.2' },
    port: 179,
    sourceAddress: null,
    vrf: null,
    routerId: '192.0.2.1',
    connect: 'both',
    delayOpenMs: 0,
    holdTimeMs: 90_000,
    keepaliveTimeMs: 30_000,
    connectTimeMs: 120_000,
    authentication: null,
    ttl: 1,
    minimumTtl: null,
    families: ['ipv4', 'ipv6'],
    gracefulRestart: null,
    addPathSend: 0,
    role: null,
    bfd: null,
    shutdown: null,
    ...changes,
  };
}

/** Of a peer that BFD watches. */
export const TEST_BFD: NonNullable<WantedPeer['bfd']> = {
  receiveIntervalMs: 300, transmitIntervalMs: 300, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' },
};

/** Jitter at its least: pauses are three quarters of their limit. */
export function testOptions(changes: Partial<SessionOptions> = {}): SessionOptions {
  return { peer: testPeer(), hostName: 'node-a', restarting: false, random: () => 0, ...changes };
}

/** What that router says. */
export function testOpen(changes: Partial<OpenMessage> = {}): OpenMessage {
  return {
    type: 'open',
    asn: 65_001,
    holdTimeS: 90,
    routerId: '192.0.2.2',
    capabilities: [
      { type: 'multiprotocol', family: 'ipv4' }, { type: 'multiprotocol', family: 'ipv6' }, { type: 'routeRefresh' },
      { type: 'fourOctetAsn', asn: changes.asn ?? 65_001 },
    ],
    ...changes,
  };
}

export const TEST_ENDS: ConnectionEnds = { localAddress: '192.0.2.1', remoteAddress: '192.0.2.2' };
