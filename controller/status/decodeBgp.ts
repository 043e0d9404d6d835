import { isFields } from '../../core/ipc/messageShape.ts';
import type { BgpPeerReport, BgpRouteReport } from '../announcer/bgp/bgpReport.ts';
import { isBgpReport } from '../announcer/bgp/isBgpReport.ts';

/** The answer of `GET /api/v1/bgp/peers`; null when it is something else. */
export function decodeBgpPeers(body: unknown): { readonly peers: readonly BgpPeerReport[]; readonly problems: readonly string[] } | null {
  if (!isFields(body)) return null;
  const report: unknown = { peers: body['peers'], problems: body['problems'], routes: [] };
  return isBgpReport(report) ? report : null;
}

/** The answer of `GET /api/v1/bgp/routes`; null when it is something else. */
export function decodeBgpRoutes(body: unknown): readonly BgpRouteReport[] | null {
  if (!isFields(body)) return null;
  const report: unknown = { peers: [], problems: [], routes: body['routes'] };
  return isBgpReport(report) ? report.routes : null;
}
