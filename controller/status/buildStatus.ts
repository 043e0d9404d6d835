import type { BgpReport, BgpRouteReport } from '../announcer/bgp/bgpReport.ts';
import type { AnnouncerReport } from '../announcer/report.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { ObjectIndex } from '../model/store.ts';
import type { IngressStatus, ServiceStatus } from '../translate/translation.ts';
import { publishedAddresses } from './publishedAddresses.ts';
import type { IngressView, ListenerView, NodeView, ServiceView, StatusView } from './statusView.ts';

/** Everything a status view is made of. */
export interface StatusInput {
  readonly version: string;
  readonly ready: boolean;
  readonly generation: number;
  readonly appliedGeneration: number;
  readonly listeners: readonly ListenerView[];
  readonly nodeName: string;
  /** Addresses of this machine that others reach it by, loopback left out. */
  readonly machineAddresses: readonly string[];
  readonly objects: ObjectIndex;
  readonly ingresses: readonly IngressStatus[];
  readonly services: readonly ServiceStatus[];
  /** As in PublishedInput. */
  readonly fixed: readonly string[];
  readonly publishService: string | null;
  readonly ownService: string | null;
  readonly waitingFor: StatusView['waitingFor'];
  readonly leader: StatusView['leader'];
  readonly problems: readonly Problem[];
  /** Null: this machine has no announcer, or it has told nothing yet. */
  readonly announcer: AnnouncerReport | null;
  readonly bgp: BgpReport;
}

/** What the admin API and `gatehouse status` show, each list sorted by namespace and name. Pure. */
export function buildStatus(input: StatusInput): StatusView {
  const nodes = nodeViews(input);
  const own = nodes.find((node) => node.self)?.addresses ?? [];
  const ownAddresses = ingressAddresses(input.listeners, own);
  const published = publishedAddresses({ ...input, ownAddresses }) ?? [];
  const addresses = published.map(({ ip, hostname }) => (ip === '' ? hostname : ip));
  return {
    version: input.version,
    ready: input.ready,
    generation: input.generation,
    appliedGeneration: input.appliedGeneration,
    waitingFor: input.waitingFor,
    leader: input.leader,
    listeners: input.listeners,
    nodes,
    services: byName(input.services.map((service) => serviceView(service, input))),
    ingresses: byName(input.ingresses.map((ingress) => ingressView(ingress, addresses))),
    problems: input.problems,
  };
}

/**
 * Addresses that Ingresses are reached at: those listened on, where a wildcard address stands for every address of the
 * node in that family (`[::]` for both).
 */
export function ingressAddresses(listeners: readonly ListenerView[], nodeAddresses: readonly string[]): readonly string[] {
  const serving = listeners.filter(({ protocol }) => protocol === 'http' || protocol === 'https');
  const addresses = serving.flatMap(({ address }) => {
    if (address === '0.0.0.0') return nodeAddresses.filter((candidate) => !candidate.includes(':'));
    return address === '::' ? nodeAddresses : [address];
  });
  return [...new Set(addresses)];
}

function nodeViews(input: StatusInput): readonly NodeView[] {
  const nodes = [...input.objects.list('Node')].map((node): NodeView => {
    const { name } = node.metadata;
    return { name, addresses: node.internalIPs, self: name === input.nodeName };
  });
  if (!nodes.some((node) => node.self)) nodes.push({ name: input.nodeName, addresses: input.machineAddresses, self: true });
  return nodes.toSorted((left, right) => compare(left.name, right.name));
}

function serviceView({ ref, addresses, pool, forwarding, reason, ports }: ServiceStatus, { nodeName, announcer, bgp }: StatusInput): ServiceView {
  const announced = announcer?.vips.filter(({ address }) => addresses.includes(address)) ?? [];
  const routes = bgp.routes.flatMap((route) => {
    const vips = route.vips.filter(({ address }) => addresses.includes(address));
    return vips.length === 0 ? [] : [{ ...route, vips }];
  });
  const carrying = routes.filter(({ vips }) => vips.some(({ obstacle }) => obstacle === ''));
  const peers = [...new Set(carrying.flatMap(({ paths }) => paths.map(({ peer }) => peer)))].toSorted(compare);
  const view = { namespace: ref.namespace, name: ref.name, addresses, pool, forwarding, ports, peers };
  const reasons = [reason, ...announced.map((vip) => `${vip.address}: ${vip.reason}`), ...routes.map(routeReason)];
  const [first] = announced;
  // A route leads to every node that announces it: where that is all there is, nobody else owns the address.
  if (first === undefined) return { ...view, reason: reasons.join('; '), owner: forwarding === 'none' && peers.length === 0 ? null : nodeName, interfaces: [] };
  const interfaces = [...new Set(announced.flatMap((vip) => vip.interfaces))].toSorted(compare);
  return { ...view, reason: reasons.join('; '), owner: first.owner, interfaces };
}

/** Why a route is as it is: one that has the VIPs of one Service alone. */
function routeReason({ prefix, state, reason, paths, vips }: BgpRouteReport): string {
  const peers = new Set(paths.map(({ peer }) => peer)).size;
  const told = `${peers} BGP ${peers === 1 ? 'peer' : 'peers'}`;
  const idle = vips.filter(({ obstacle }) => obstacle !== '').map(({ address, obstacle }) => `, not for ${address}: ${obstacle}`).join('');
  switch (state) {
    case 'announced': return peers === 0 ? `${prefix} is to be announced by BGP, and no peer takes it now${idle}` : `${prefix} is announced to ${told}${idle}`;
    case 'draining': return `${prefix} is withdrawn in a moment from ${told}: ${reason}${idle}`;
    case 'withdrawn': return `${prefix} is not announced by BGP: ${reason}`;
  }
}

function ingressView(ingress: IngressStatus, addresses: readonly string[]): IngressView {
  const { namespace, name } = ingress.ref;
  return { namespace, name, class: ingress.class, addresses, hosts: ingress.hosts, tlsHosts: ingress.tlsHosts };
}

function byName<T extends { readonly namespace: string; readonly name: string }>(views: readonly T[]): readonly T[] {
  return views.toSorted((left, right) => compare(left.namespace, right.namespace) || compare(left.name, right.name));
}

/** By code unit, so that the order does not depend on a locale. */
function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
