import type { ForwardedPort, ForwardTarget, KernelEndpoint } from '../wanted.ts';
import type { FlowEndpoint } from './kernelParts.ts';
import { readAddress } from './nftFamily.ts';
import { planAffinity } from './planAffinity.ts';
import { planBalance, type ChoicePlan, type Choosers } from './planBalance.ts';
import { planGuard } from './planGuard.ts';
import { isHandedOver, NOWHERE, type Place } from './place.ts';
import { portContext, type PortContext } from './portContext.ts';
import type { TablePiece } from './tablePiece.ts';

/** What one port puts into the table. */
export interface PortPlan {
  readonly port: ForwardedPort;
  readonly pieces: readonly TablePiece[];
  /** Where its flows may lead: older ones that lead elsewhere are to be forgotten. */
  readonly flowEndpoints: readonly FlowEndpoint[];
  /** What of it cannot be carried out, each a sentence. */
  readonly problems: readonly string[];
}

type EndpointsTarget = Extract<ForwardTarget, { type: 'endpoints' }>;

/** Plans one port. Nothing that is not an address or a number reaches the text of the table, whatever `port` says. */
export function planPort(port: ForwardedPort, place: Place = NOWHERE): PortPlan {
  const vip = readAddress(port.address);
  if (vip === null || !isPort(port.port)) return { port, pieces: [], flowEndpoints: [], problems: [`${port.key} has no address or port that the kernel can take; it is not forwarded.`] };
  const context = portContext(vip.family, port.protocol, vip.text, port.port);
  const target = port.to.type === 'proxy' ? planProxied(context) : planForwarded(context, port.to, isHandedOver(port) ? place : null);
  const guard = planGuard(context, port.sourceRanges, target.refusedBy);
  const problems = [
    ...target.unreadable.map((endpoint) => `${port.key}: no packets are sent to ${endpoint}, which is no ${vip.family.family} address and port.`),
    ...guard.unreadable.map((range) => `${port.key}: nobody is let in for the source range ${range}, which is no CIDR.`),
  ];
  const pieces: TablePiece[] = [{ type: 'element', set: `vips${vip.family.suffix}`, key: vip.text, value: null }, ...target.pieces, ...guard.pieces];
  return { port, pieces, flowEndpoints: target.flowEndpoints, problems };
}

interface TargetPlan {
  readonly pieces: readonly TablePiece[];
  readonly flowEndpoints: readonly FlowEndpoint[];
  /** The chain that refuses clients from elsewhere, as nobody serves them; null: somebody does. */
  readonly refusedBy: string | null;
  readonly unreadable: readonly string[];
}

function planProxied({ family, key }: PortContext): TargetPlan {
  return { pieces: [{ type: 'element', set: `proxied${family.suffix}`, key, value: null }], flowEndpoints: [], refusedBy: null, unreadable: [] };
}

/** `place`: null where flows are not handed over. */
function planForwarded(context: PortContext, target: EndpointsTarget, place: Place | null): TargetPlan {
  const all = readEndpoints(context, target.endpoints);
  const own = readEndpoints(context, target.ownEndpoints);
  const sameForOwn = sameEndpoints(all.endpoints, own.endpoints);
  const choices = [
    ...planChoice(context, all.endpoints, target, 'all'),
    ...(sameForOwn ? [] : planChoice(context, own.endpoints, target, 'own')),
  ];
  const flowEndpoints = [...all.endpoints, ...(sameForOwn ? [] : own.endpoints)];
  const source = place === null ? planSource(context, flowEndpoints, target.keepSource) : planOwnSource(context, flowEndpoints, place);
  const pieces = [...choices, ...source];
  const ownOnly = own.endpoints.length > 0 ? 'refuse-others' : 'refuse';
  return { pieces, flowEndpoints: flowEndpoints.map(({ address, port }) => ({ address, port })), refusedBy: all.endpoints.length > 0 ? null : ownOnly, unreadable: [...new Set([...all.unreadable, ...own.unreadable])] };
}

function planChoice(context: PortContext, endpoints: readonly KernelEndpoint[], target: EndpointsTarget, choosers: Choosers): TablePiece[] {
  const set = `${choosers === 'own' ? 'own-' : ''}ports${context.family.suffix}`;
  const element = (value: string): TablePiece => ({ type: 'element', set, key: context.key, value });
  // Else packets of this machine would fall through to the endpoints of all others.
  if (endpoints.length === 0) return choosers === 'own' ? [element('return')] : [];
  const { chain, pieces }: ChoicePlan = target.affinityTimeoutMs === null
    ? planBalance(context, endpoints, target.balance, choosers)
    : planAffinity(context, endpoints, { timeoutMs: target.affinityTimeoutMs, balance: target.balance }, choosers);
  return [...pieces, element(`goto ${chain}`)];
}

/** Whether replies find their way back: the source is hidden where they might not. */
function planSource(context: PortContext, endpoints: readonly KernelEndpoint[], keepSource: boolean): TablePiece[] {
  if (endpoints.length === 0) return [];
  const { suffix } = context.family;
  const element = (value: string): TablePiece =>
    ({ type: 'element', set: `sources${suffix}-${context.protocol}`, key: `${context.address} . ${context.port}`, value });
  if (!keepSource) return [element('goto hide-source')];
  const addresses = [...new Set(endpoints.map(({ address }) => address))];
  return [
    element(`goto keep-source${suffix}`),
    ...addresses.map((address): TablePiece => ({ type: 'element', set: `hairpin${suffix}`, key: `${address} . ${address}`, value: null })),
  ];
}

/** The source is kept where the endpoint is on this node, which sees its replies; any node may be the entry of such a flow. */
function planOwnSource(context: PortContext, endpoints: readonly KernelEndpoint[], { self, uplinks }: Place): TablePiece[] {
  const { suffix } = context.family;
  if (endpoints.length === 0) return [];
  const own = [...new Set(endpoints.filter(({ node }) => node !== undefined && node === self).map(({ address }) => address))];
  const key = `${context.address} . ${context.port}`;
  return [
    { type: 'element', set: `sources${suffix}-${context.protocol}`, key, value: `goto keep-own${suffix}` },
    ...own.map((address): TablePiece => ({ type: 'element', set: `own-endpoints${suffix}`, key: address, value: null })),
    ...uplinks.map((index): TablePiece => ({ type: 'element', set: 'uplinks', key: String(index), value: null })),
  ];
}

/** Sorted, so that the order they come in has no say; one that is named twice has both weights. */
export function readEndpoints({ family }: PortContext, endpoints: readonly KernelEndpoint[]): { readonly endpoints: KernelEndpoint[]; readonly unreadable: string[] } {
  const byKey = new Map<string, KernelEndpoint>();
  const unreadable: string[] = [];
  for (const { address, port, weight, node } of endpoints) {
    const read = readAddress(address);
    if (read?.family !== family || !isPort(port) || !Number.isInteger(weight) || weight < 1) unreadable.push(`${address} port ${port}`);
    else {
      const key = `${read.text} ${port}`;
      byKey.set(key, { address: read.text, port, weight: weight + (byKey.get(key)?.weight ?? 0), ...(node === undefined ? {} : { node }) });
    }
  }
  const sorted = [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
  return { endpoints: sorted, unreadable };
}

function sameEndpoints(a: readonly KernelEndpoint[], b: readonly KernelEndpoint[]): boolean {
  return a.length === b.length && a.every(({ address, port, weight }, index) => {
    const other = b[index];
    return other?.address === address && other.port === port && other.weight === weight;
  });
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
