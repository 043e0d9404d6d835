import type { BfdReport } from '../../bfd/bfdSpeaker.ts';
import type { BgpFamilyReport, BgpPeerReport, BgpReport } from '../bgpReport.ts';
import type { BgpWanted, WantedPeer } from '../bgpWanted.ts';
import type { AddressFamily } from '../codec/message.ts';
import type { RouteState } from '../routes/routeBook.ts';
import type { ConnectionEnds, SessionView } from '../session/sessionEvents.ts';
import { keepaliveTimeMs } from '../session/timings.ts';
import { describeCapabilities } from './describeCapabilities.ts';
import type { SentRoutes } from './peerSession.ts';
import { createRouteReports } from './routeReports.ts';

/** One peer as its session and its Adj-RIB-Out show it. */
export interface PeerFacts {
  readonly view: SessionView;
  readonly lastEnds: ConnectionEnds | null;
  readonly routes: SentRoutes;
  /** Families of which nothing can be sent, and why. */
  readonly refusals: ReadonlyMap<AddressFamily, string>;
  readonly bfd: BfdReport | null;
}

/** What a report is made of. */
export interface ReportFacts {
  readonly wanted: BgpWanted;
  /** By name. */
  readonly peers: ReadonlyMap<string, PeerFacts>;
  /** By prefix. */
  readonly states: ReadonlyMap<string, RouteState>;
  readonly problems: readonly string[];
  /** Wall clock, for routes nothing was decided about yet. */
  readonly nowMs: number;
}

/** Makes reports, time and again. */
export type BuildBgpReport = (facts: ReportFacts) => BgpReport;

/** What is true now, sorted. Of routes that are as they were the same objects are answered as before, and the same list when all are. */
export function createBgpReportBuilder(): BuildBgpReport {
  const buildRoutes = createRouteReports();
  return (facts) => {
    const { wanted, peers, problems } = facts;
    const unsendable = [...peers].flatMap(([name, { routes }]) => [...routes.unsendable()].map(([key, why]) => `${key} cannot be sent to ${name}: ${why}`));
    return {
      peers: [...wanted.peers.keys()].toSorted().flatMap((name) => {
        const peer = peers.get(name);
        return peer === undefined ? [] : [reportPeer(facts, name, peer)];
      }),
      routes: buildRoutes(facts),
      problems: [...problems, ...unsendable.slice(0, MAX_UNSENDABLE)],
    };
  };
}

/** Ours: as many as help to see what is wrong. */
const MAX_UNSENDABLE = 10;

function reportPeer({ wanted }: ReportFacts, name: string, { view, lastEnds, routes, refusals, bfd }: PeerFacts): BgpPeerReport {
  const peer = wanted.peers.get(name);
  if (peer === undefined) throw new Error(`there is no peer ${name}`);
  const { negotiated } = view;
  const known = lastEnds?.remoteAddress ?? null;
  const families = negotiated?.families ?? peer.families;
  return {
    name,
    remote: peer.remote.type === 'address' ? peer.remote.address : known === null ? peer.remote.interface : `${known}%${peer.remote.interface}`,
    port: peer.port,
    vrf: peer.vrf,
    state: view.state,
    sinceMs: view.sinceMs,
    localAddress: negotiated?.ends.localAddress ?? lastEnds?.localAddress ?? peer.sourceAddress,
    localAsn: peer.localAsn,
    remoteAsn: negotiated?.remoteAsn ?? knownAsn(peer, view),
    routerId: peer.routerId,
    remoteRouterId: negotiated?.remoteRouterId ?? null,
    remoteHostName: negotiated?.remoteHostName ?? '',
    holdTimeMs: negotiated?.holdTimeMs ?? null,
    keepaliveTimeMs: negotiated === null ? null : keepaliveTimeMs(peer.keepaliveTimeMs, negotiated.holdTimeMs),
    capabilities: negotiated === null ? [] : describeCapabilities(negotiated),
    families: families.map((family): BgpFamilyReport => ({
      family, announced: view.state === 'Established' ? routes.count(family) : 0, reason: refusals.get(family) ?? '',
    })),
    sent: view.sent,
    received: view.received,
    prefixesReceived: view.prefixesReceived,
    established: view.established,
    lastError: view.lastError,
    retryInMs: view.retryInMs,
    bfd,
  };
}

/** Without a session: the peer's AS as it must be, else as it said, even if that was refused. Null: any but ours, and nothing was said. */
function knownAsn({ remoteAsn, localAsn }: WantedPeer, view: SessionView): number | null {
  if (remoteAsn.type === 'number') return remoteAsn.asn;
  return view.remoteAsn ?? (remoteAsn.type === 'internal' ? localAsn : null);
}
