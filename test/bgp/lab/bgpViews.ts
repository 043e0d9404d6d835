import assert from 'node:assert/strict';
import type { BgpReport } from '../../../controller/announcer/bgp/bgpReport.ts';
import type { GatehouseNode } from '../../netns/gatehouseNode.ts';
import { BINARY } from '../../support/gatehouse.ts';
import { until } from '../../support/until.ts';
import { bgpPrefix } from './bgpObjects.ts';

export type PeerView = BgpReport['peers'][number];
export type RouteView = BgpReport['routes'][number];

/** What a Gatehouse says of its peers. */
export async function peersOf(gatehouse: GatehouseNode): Promise<readonly PeerView[]> {
  const { peers } = (await gatehouse.api('/api/v1/bgp/peers')) as { readonly peers: readonly PeerView[] };
  return peers;
}

export async function bgpRoutesOf(gatehouse: GatehouseNode): Promise<readonly RouteView[]> {
  const { routes } = (await gatehouse.api('/api/v1/bgp/routes')) as { readonly routes: readonly RouteView[] };
  return routes;
}

/** One peer, by the name of its object. */
export async function peerOf(gatehouse: GatehouseNode, name: string): Promise<PeerView> {
  const peers = await peersOf(gatehouse);
  const found = find(peers, name);
  if (found === undefined) throw new Error(`${gatehouse.node.nodeName} knows no peer ${name}: ${peers.map((each) => each.name).join(' ')}`);
  return found;
}

function find(peers: readonly PeerView[], name: string): PeerView | undefined {
  return peers.find((each) => each.name === name || each.name.endsWith(`/${name}`));
}

/** Resolves once the sessions with all these peers are Established. */
export async function allEstablished(gatehouse: GatehouseNode, names: readonly string[]): Promise<void> {
  let last: readonly string[] = [];
  try {
    await until(`${gatehouse.node.nodeName} has all sessions`, async () => {
      const peers = await peersOf(gatehouse);
      last = names.flatMap((name) => {
        const peer = find(peers, name);
        return peer?.state === 'Established' ? [] : [`${name} is ${peer?.state ?? 'unknown'}: ${peer?.lastError?.text ?? 'no error'}`];
      });
      return last.length === 0;
    });
  } catch (error) {
    throw new Error(`sessions of ${gatehouse.node.nodeName} are missing: ${last.join('; ')}`, { cause: error });
  }
}

/** Resolves once it lists the routes of a VIP of the lab's pool with the reason why nobody is told of them, for people too. */
export async function listedAsWithdrawn(gatehouse: GatehouseNode, vip: number, reason: string): Promise<void> {
  const prefixes: readonly string[] = Object.values(bgpPrefix(vip));
  const routes = await until(`${gatehouse.node.nodeName} lists ${prefixes.join(' and ')} as withdrawn`, async () => {
    const found = (await bgpRoutesOf(gatehouse)).filter(({ prefix, state }) => prefixes.includes(prefix) && state === 'withdrawn');
    return found.length === prefixes.length && found;
  });
  for (const route of routes) assert.deepEqual([route.reason, route.paths], [reason, []]);
  const text = await gatehouse.node.exec(BINARY, ['bgp', 'routes', '--admin', '127.0.0.1:9090']);
  for (const prefix of prefixes) assert.ok(text.includes(`  ${prefix}: ${reason}\n`), text);
}
