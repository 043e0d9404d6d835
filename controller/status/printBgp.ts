import { servicesOf, type BgpPathReport, type BgpPeerReport, type BgpRouteReport } from '../announcer/bgp/bgpReport.ts';
import { escapeControls, printTable } from './table.ts';

const NONE = '<none>';
const UNITS = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const;

/** Peers as a person reads them in a terminal, then what is known of those without a session. */
export function printBgpPeers(peers: readonly BgpPeerReport[], problems: readonly string[], nowMs: number): string {
  if (peers.length === 0) return ['No BGP peers: no BGPPeer is for this node.', ...problems].map(line).join('');
  const rows = peers.map((peer) => [
    peer.name,
    peer.remote,
    // Only with dynamicASN external is nothing known before the peer has said it.
    peer.remoteAsn === null ? 'external' : String(peer.remoteAsn),
    peer.state,
    printAge(nowMs - peer.sinceMs),
    peer.families.length === 0 ? '-' : peer.families.map(({ family, announced }) => `${announced} ${family}`).join(','),
    `${peer.sent.update}/${peer.received.update}`,
    peer.bfd?.state ?? '-',
  ]);
  const table = printTable(['name', 'peer', 'as', 'state', 'since', 'announced', 'updates sent/rcvd', 'bfd'], rows);
  return [table, ...peers.flatMap((peer) => remarks(peer, nowMs)).map((remark) => line(`  ${remark}`)), ...problems.map(line)].join('');
}

/** Routes and to whom they are announced; those that are not, with the reason. */
export function printBgpRoutes(routes: readonly BgpRouteReport[]): string {
  if (routes.length === 0) return line('No routes: no address of a Service has a BGPAdvertisement that is for this node and for one of its peers.');
  const rows = routes.flatMap((route) => (route.paths.length === 0 ? [[...routeCells(route), NONE, '-', '-', '-', '-', '-']] : route.paths.map((path) => [...routeCells(route), ...pathCells(path)])));
  const table = printTable(['prefix', 'state', 'services', 'peer', 'next hop', 'as path', 'localpref', 'med', 'communities'], rows);
  return [table, ...routes.flatMap(routeRemarks).map((remark) => line(`  ${remark}`))].join('');
}

function remarks({ name, state, established, lastError, retryInMs, families, bfd }: BgpPeerReport, nowMs: number): string[] {
  const found = families.filter(({ reason }) => reason !== '').map(({ family, reason }) => `${name}: no ${family} routes: ${reason}`);
  if (state === 'Established') {
    const hasEnded = established > 1 && lastError !== null;
    return hasEnded ? [`${name}: established ${established} times; last error ${printAge(nowMs - lastError.atMs)} ago: ${lastError.text}`, ...found] : found;
  }
  const retry = retryInMs === null ? '' : `; tried again in ${Math.ceil(retryInMs / 1000)} s`;
  const why = lastError === null ? [] : [`${name}: ${lastError.text}${retry}`];
  return [...why, ...(bfd === null || bfd.state === 'Up' ? [] : [`${name}: BFD is ${bfd.state}: ${bfd.diagnostic}`]), ...found];
}

/** Why nobody has it, and which addresses an aggregate is not announced for. */
function routeRemarks({ prefix, state, reason, paths, vips }: BgpRouteReport): string[] {
  if (state === 'withdrawn') return [`${prefix}: ${reason}`];
  const idle = vips.filter(({ obstacle }) => obstacle !== '').map(({ address, obstacle }) => `${prefix}: not for ${address}: ${obstacle}`);
  if (state === 'announced' && paths.length > 0) return idle;
  return [`${prefix}: ${state === 'announced' ? 'no peer takes it now' : reason}`, ...idle];
}

function routeCells(route: BgpRouteReport): string[] {
  return [route.prefix, route.state, servicesOf(route, 'all').join(',')];
}

function pathCells({ peer, pathId, nextHop, asPath, localPref, med, communities, linkBandwidth, onlyToCustomer }: BgpPathReport): string[] {
  const all = [
    ...communities, ...(linkBandwidth === null ? [] : [`bandwidth:${linkBandwidth}`]), ...(onlyToCustomer === null ? [] : [`only-to-customer:${onlyToCustomer}`]),
  ];
  return [
    pathId === 0 ? peer : `${peer} (path ${pathId})`, nextHop, asPath.length === 0 ? '-' : asPath.join(' '), String(localPref ?? '-'), String(med ?? '-'),
    all.length === 0 ? '-' : all.join(','),
  ];
}

/** The two largest units, as kubectl has it: `3d4h`. */
function printAge(ms: number): string {
  const found = UNITS.findIndex(([, unit]) => ms >= unit);
  if (found === -1) return '0s';
  let left = ms;
  return UNITS.slice(found, found + 2).map(([name, unit]) => {
    const count = Math.floor(left / unit);
    left -= count * unit;
    return count === 0 ? '' : `${count}${name}`;
  }).join('');
}

function line(text: string): string {
  return `${escapeControls(text)}\n`;
}
