import { Counter, Gauge, type Registry } from 'prom-client';
import type { BgpPeerReport, BgpReport, BgpRouteReport, BgpVipReport } from '../announcer/bgp/bgpReport.ts';
import type { BgpWanted } from '../announcer/bgp/bgpWanted.ts';
import type { MessageCounts } from '../announcer/bgp/session/sessionEvents.ts';

/** What the announcer of this node has told of BGP, and what it was told. */
export interface BgpFacts {
  readonly report: BgpReport;
  /** Null: nothing is known yet. */
  readonly wanted: BgpWanted | null;
  readonly nodeName: string;
}

const MESSAGES = [
  ['open', 'opens'], ['update', 'updates'], ['notification', 'notifications'], ['keepalive', 'keepalives'], ['routeRefresh', 'route_refresh'],
] as const satisfies readonly (readonly [keyof MessageCounts, string])[];

type Labels = 'peer' | 'vrf';

/** A family with one series for each peer; null: it has none of this peer. */
interface PeerFamily {
  readonly metric: Gauge | Counter;
  readonly value: (peer: BgpPeerReport) => number | null;
}

/** What MetalLB's FRR mode says in its metrics of one peer, under its names, which have no `_total` where it has none. */
const METALLB: readonly (readonly [string, 'gauge' | 'counter', PeerFamily['value']])[] = [
  ['metallb_bgp_session_up', 'gauge', isUp],
  ['metallb_bgp_announced_prefixes_total', 'gauge', announcedPaths],
  ['metallb_bgp_pending_prefixes_total', 'gauge', () => 0],
  ['metallb_bgp_received_prefixes_total', 'gauge', () => 0],
  ['metallb_bgp_updates_total', 'counter', ({ sent }) => sent.update],
  ['metallb_bgp_updates_total_received', 'counter', ({ received }) => received.update],
  ['metallb_bgp_opens_sent', 'counter', ({ sent }) => sent.open],
  ['metallb_bgp_opens_received', 'counter', ({ received }) => received.open],
  ['metallb_bgp_notifications_sent', 'counter', ({ sent }) => sent.notification],
  ['metallb_bgp_notifications_received', 'counter', ({ received }) => received.notification],
  ['metallb_bgp_keepalives_sent', 'counter', ({ sent }) => sent.keepalive],
  ['metallb_bgp_keepalives_received', 'counter', ({ received }) => received.keepalive],
  ['metallb_bgp_route_refresh_sent', 'counter', ({ sent }) => sent.routeRefresh],
  ['metallb_bgp_total_sent', 'counter', ({ sent }) => allMessages(sent)],
  ['metallb_bgp_total_received', 'counter', ({ received }) => allMessages(received)],
  ['metallb_bfd_session_up', 'gauge', ({ bfd }) => (bfd === null ? null : Number(bfd.state === 'Up'))],
  ['metallb_bfd_control_packet_input', 'counter', ({ bfd }) => bfd?.received ?? null],
  ['metallb_bfd_control_packet_output', 'counter', ({ bfd }) => bfd?.sent ?? null],
  ['metallb_bfd_session_down_events', 'counter', ({ bfd }) => bfd?.downs ?? null],
];
const METALLB_HELP = "The same as MetalLB's family of this name (--compat metallb).";

/** Sessions and routes of this node's BGP speaker. One per registry. Families are empty where there are no peers. */
export class BgpMetrics {
  readonly #families: readonly PeerFamily[];
  readonly #messages: Counter;
  readonly #octets: Counter;
  readonly #routes: Gauge;
  readonly #metallb: readonly PeerFamily[];
  readonly #speakerAnnounced: Gauge | null;

  constructor(registry: Registry, { metallbNames = false, speakerAnnounced = null }: { readonly metallbNames?: boolean; readonly speakerAnnounced?: Gauge | null } = {}) {
    const registers = [registry];
    const labelNames: Labels[] = ['peer', 'vrf'];
    const gauge = (name: string, help: string, value: PeerFamily['value']): PeerFamily => ({ metric: new Gauge({ name, help, labelNames, registers }), value });
    const counter = (name: string, help: string, value: PeerFamily['value']): PeerFamily => ({ metric: new Counter({ name, help, labelNames, registers }), value });
    this.#families = [
      gauge('gatehouse_bgp_session_up', '1 while the session with the peer is Established.', isUp),
      gauge('gatehouse_bgp_announced_paths', 'Paths that the peer has been sent and not had withdrawn.', announcedPaths),
      counter('gatehouse_bgp_established_total', 'Times the session became Established.', ({ established }) => established),
      counter('gatehouse_bgp_dropped_prefixes_total', 'Prefixes that the peer has announced or withdrawn; none is taken in.', ({ prefixesReceived }) => prefixesReceived),
      gauge('gatehouse_bfd_session_up', '1 while BFD finds the peer reachable.', ({ bfd }) => (bfd === null ? null : Number(bfd.state === 'Up'))),
      gauge('gatehouse_bfd_detection_seconds', 'How long BFD waits before it takes the peer for unreachable.', ({ bfd }) => (bfd === null ? null : bfd.detectionTimeMs / 1000)),
      counter('gatehouse_bfd_down_total', 'Times BFD found the peer unreachable.', ({ bfd }) => bfd?.downs ?? null),
      counter('gatehouse_bfd_packets_sent_total', 'BFD control packets sent to the peer.', ({ bfd }) => bfd?.sent ?? null),
      counter('gatehouse_bfd_packets_received_total', 'BFD control packets received from the peer.', ({ bfd }) => bfd?.received ?? null),
      counter('gatehouse_bfd_packets_dropped_total', 'BFD packets of the peer that were no good.', ({ bfd }) => bfd?.dropped ?? null),
    ];
    this.#messages = new Counter({ name: 'gatehouse_bgp_messages_total', help: 'BGP messages, by type.', labelNames: [...labelNames, 'direction', 'type'], registers });
    this.#octets = new Counter({ name: 'gatehouse_bgp_octets_total', help: 'Octets of BGP messages.', labelNames: [...labelNames, 'direction'], registers });
    this.#routes = new Gauge({ name: 'gatehouse_bgp_routes', help: 'Routes of this node, by what becomes of them; withdrawn are also those that nothing is ready behind here.', labelNames: ['state'], registers });
    this.#metallb = (metallbNames ? METALLB : []).map(([name, type, value]) => (type === 'gauge' ? gauge : counter)(name, METALLB_HELP, value));
    this.#speakerAnnounced = speakerAnnounced;
  }

  /** What is so now; series of peers that are gone are no longer shown. */
  set({ report, wanted, nodeName }: BgpFacts): void {
    for (const { metric } of [...this.#families, ...this.#metallb]) metric.reset();
    for (const metric of [this.#messages, this.#octets, this.#routes]) metric.reset();
    for (const peer of report.peers) this.#setPeer(peer);
    if (wanted === null || wanted.peers.size === 0) return;
    for (const state of ['announced', 'draining', 'withdrawn'] as const) this.#routes.set({ state }, report.routes.filter((route) => route.state === state).length);
    for (const { address: ip, services } of report.routes.flatMap(carriedVips)) {
      for (const service of services) this.#speakerAnnounced?.set({ service, protocol: 'bgp', node: nodeName, ip }, 1);
    }
  }

  #setPeer(peer: BgpPeerReport): void {
    const vrf = peer.vrf ?? '';
    for (const [families, label] of [[this.#families, peer.name], [this.#metallb, `${peer.remote}:${peer.port}`]] as const) {
      for (const { metric, value } of families) {
        const number = value(peer);
        if (number !== null) metric.inc({ peer: label, vrf }, number);
      }
    }
    for (const direction of ['sent', 'received'] as const) {
      this.#octets.inc({ peer: peer.name, vrf, direction }, peer[direction].octets);
      for (const [field, type] of MESSAGES) this.#messages.inc({ peer: peer.name, vrf, direction, type }, peer[direction][field]);
    }
  }
}

/** VIPs that peers have been told of; an aggregate leads to others, too, of which none is meant. */
function carriedVips({ vips, paths }: BgpRouteReport): readonly BgpVipReport[] {
  return paths.length === 0 ? [] : vips.filter(({ obstacle }) => obstacle === '');
}

function isUp({ state }: BgpPeerReport): number {
  return Number(state === 'Established');
}

function announcedPaths({ families }: BgpPeerReport): number {
  return families.reduce((sum, { announced }) => sum + announced, 0);
}

function allMessages(counts: MessageCounts): number {
  return MESSAGES.reduce((sum, [field]) => sum + counts[field], 0);
}
