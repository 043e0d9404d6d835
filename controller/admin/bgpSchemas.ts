import { listOf, MAYBE_NUMBER, MAYBE_TEXT, NUMBER, record, TEXT, TEXTS } from './schemaParts.ts';

const COUNTS = record({ open: NUMBER, update: NUMBER, notification: NUMBER, keepalive: NUMBER, routeRefresh: NUMBER, octets: NUMBER });

const ERROR = {
  ...record({
    atMs: NUMBER,
    text: TEXT,
    notification: { ...record({ direction: TEXT, fault: record({ code: NUMBER, subcode: NUMBER }) }), nullable: true },
  }),
  nullable: true,
};

const BFD = {
  ...record({
    name: TEXT, state: TEXT, sinceMs: NUMBER, remoteState: TEXT, diagnostic: TEXT, remoteDiagnostic: TEXT, transmitIntervalMs: NUMBER,
    receiveIntervalMs: NUMBER, detectionTimeMs: NUMBER, echoIntervalMs: MAYBE_NUMBER, sent: NUMBER, received: NUMBER, dropped: NUMBER, downs: NUMBER,
  }),
  nullable: true,
};

/** Peers of a BgpReport. */
export const BGP_PEERS_SCHEMA = record({
  peers: listOf(record({
    name: TEXT, remote: TEXT, port: NUMBER, vrf: MAYBE_TEXT, state: TEXT, sinceMs: NUMBER, localAddress: MAYBE_TEXT, localAsn: NUMBER, remoteAsn: MAYBE_NUMBER,
    routerId: TEXT, remoteRouterId: MAYBE_TEXT, remoteHostName: TEXT, holdTimeMs: MAYBE_NUMBER, keepaliveTimeMs: MAYBE_NUMBER, capabilities: TEXTS,
    families: listOf(record({ family: TEXT, announced: NUMBER, reason: TEXT })), sent: COUNTS, received: COUNTS, prefixesReceived: NUMBER, established: NUMBER,
    lastError: ERROR, retryInMs: MAYBE_NUMBER, bfd: BFD,
  })),
  problems: TEXTS,
});

/** Routes of a BgpReport. */
export const BGP_ROUTES_SCHEMA = record({
  routes: listOf(record({
    prefix: TEXT, family: TEXT, vips: listOf(record({ address: TEXT, services: TEXTS, obstacle: TEXT })), state: TEXT, reason: TEXT, sinceMs: NUMBER,
    paths: listOf(record({
      peer: TEXT, pathId: NUMBER, nextHop: TEXT, asPath: listOf(NUMBER), localPref: MAYBE_NUMBER, med: MAYBE_NUMBER, communities: TEXTS,
      linkBandwidth: MAYBE_NUMBER, onlyToCustomer: MAYBE_NUMBER,
    })),
  })),
});
