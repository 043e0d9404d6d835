import { NO_BGP } from '../bgp/bgpWanted.ts';
import type { WantedDelta } from '../messages.ts';
import type { AnnouncerReport } from '../report.ts';
import { l4Key } from '../../../core/ir/l4.ts';
import type { AnnouncedVip, AnnouncerSettings, AnnouncerWanted, ForwardedPort } from '../wanted.ts';
import { diffWanted } from '../wantedDelta.ts';

/** Of node `a`, alone, with every interface allowed: tests have veth pairs. */
export const SETTINGS: AnnouncerSettings = {
  nodeName: 'a',
  membershipPort: 7946,
  membershipKey: null,
  quorum: false,
  excludedInterfaces: [],
  gratuitousIntervalMs: 0,
  mark: 0x200000,
  routeTable: 7946,
  setSysctls: true,
};

/** Announced by node `a` on all interfaces. */
export function vip(address: string, changes: Partial<AnnouncedVip> = {}): AnnouncedVip {
  return {
    address, candidates: [{ node: 'a', preference: 0 }], interfaces: [], sharing: 'owner', sticky: false, ownership: 'hash', needsProxy: false,
    services: ['default/web'], ...changes,
  };
}

/** TCP port 80 of a VIP, forwarded to one endpoint. */
export function forwardedPort(address: string, endpoint: { readonly address: string; readonly port: number }): ForwardedPort {
  const endpoints = [{ ...endpoint, weight: 1 }];
  return {
    key: l4Key('tcp', address, 80), protocol: 'tcp', address, port: 80, sourceRanges: null,
    to: { type: 'endpoints', endpoints, ownEndpoints: endpoints, keepSource: false, affinityTimeoutMs: null, balance: 'random' },
  };
}

/** A wanted state of these VIPs and ports on node `a`. */
export function wantedOf(vips: readonly AnnouncedVip[], ports: readonly ForwardedPort[] = []): AnnouncerWanted {
  return {
    ports: new Map(ports.map((port) => [port.key, port])),
    vips: new Map(vips.map((one) => [one.address, one])),
    nodes: new Map([['a', ['127.0.0.1']]]),
    bgp: NO_BGP,
  };
}

/** The whole of a wanted state as a delta. */
export function wholeOf(wanted: AnnouncerWanted, generation = 1): WantedDelta {
  return diffWanted(null, { wanted, generation });
}

/** A report about one VIP that node `a` owns. */
export function reportOf(address: string, generation = 1): AnnouncerReport {
  return {
    generation,
    vips: [{
      address, owner: 'a', sharers: [], interfaces: ['eth0'], reason: 'a, the only candidate', sinceMs: 1_000, conflicts: [],
      frames: { requestsReceived: 0, repliesSent: 0, gratuitousSent: 0, conflictsSeen: 0 },
    }],
    members: [{ node: 'b', address: '192.0.2.2', state: 'alive', sinceMs: 1_000, serving: true }],
    kernel: { programmed: true, ports: 0, problems: [] },
    interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', up: true, unused: '' }],
  };
}
