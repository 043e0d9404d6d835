import type { BgpPathReport, BgpPeerReport, BgpReport, BgpRouteReport, BgpVipReport } from '../bgpReport.ts';

const COUNTS = { open: 1, update: 2, notification: 0, keepalive: 30, routeRefresh: 0, octets: 900 } as const;

/** A peer with a session. */
export function peerReport(changes: Partial<BgpPeerReport> = {}): BgpPeerReport {
  return {
    name: 'edge/tor', remote: '10.0.0.254', port: 179, vrf: null, state: 'Established', sinceMs: 1_000_000, localAddress: '10.0.0.1', localAsn: 64_512,
    remoteAsn: 64_513, routerId: '10.0.0.1', remoteRouterId: '10.0.0.254', remoteHostName: 'tor', holdTimeMs: 90_000, keepaliveTimeMs: 30_000,
    capabilities: ['4-octet AS numbers'], families: [{ family: 'ipv4', announced: 1, reason: '' }], sent: COUNTS, received: { ...COUNTS, update: 7 },
    prefixesReceived: 3, established: 1, lastError: null, retryInMs: null, bfd: null, ...changes,
  };
}

/** One that is tried again. */
export const LOST_PEER = peerReport({
  name: 'edge/spare', remote: '10.0.0.253', state: 'Idle', remoteAsn: null, localAddress: null, remoteRouterId: null, remoteHostName: '', holdTimeMs: null,
  keepaliveTimeMs: null, capabilities: [], families: [], retryInMs: 3_500, established: 0,
  lastError: { atMs: 1_000_000, text: 'the peer has closed it', notification: { direction: 'received', fault: { code: 6, subcode: 2 } } },
  bfd: {
    name: 'edge/spare', state: 'Down', sinceMs: 1_000_000, remoteState: 'Down', diagnostic: 'Control Detection Time Expired', remoteDiagnostic: 'No Diagnostic',
    transmitIntervalMs: 1000, receiveIntervalMs: 300, detectionTimeMs: 900, echoIntervalMs: null, sent: 10, received: 4, dropped: 1, downs: 2,
  },
});

/** How one peer was told. */
export const PATH: BgpPathReport = {
  peer: 'edge/tor', pathId: 0, nextHop: '10.0.0.1', asPath: [64_512], localPref: null, med: null, communities: ['no-export'], linkBandwidth: null,
  onlyToCustomer: null,
};

/** A VIP that is of use. */
export function vipReport(address: string, changes: Partial<BgpVipReport> = {}): BgpVipReport {
  return { address, services: ['shop/web'], obstacle: '', ...changes };
}

/** A route that is announced. */
export function routeReport(changes: Partial<BgpRouteReport> = {}): BgpRouteReport {
  return {
    prefix: '192.0.2.1/32', family: 'ipv4', vips: [vipReport('192.0.2.1')], state: 'announced', reason: 'its ports are carried here',
    sinceMs: 1_000_000, paths: [PATH], ...changes,
  };
}

/** One peer with a session and one without, one route announced and one not. */
export const REPORT: BgpReport = {
  peers: [LOST_PEER, peerReport()],
  routes: [routeReport(), routeReport({
    prefix: '192.0.2.2/32', state: 'withdrawn', reason: 'the proxy of this node does not serve', paths: [],
    vips: [vipReport('192.0.2.2', { services: ['shop/api'], obstacle: 'the proxy of this node does not serve' })],
  })],
  problems: [],
};
