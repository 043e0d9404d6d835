import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../core/log/logger.ts';
import { NO_BGP_REPORT, type BgpPathReport, type BgpReport } from '../announcer/bgp/bgpReport.ts';
import { createNodeWriter } from '../writers/nodeWriter.ts';
import { createManualTime } from '../writers/testing/manualTime.ts';
import { SimulatedApi } from '../writers/testing/simulatedApi.ts';
import { inputOf, putService, serviceStatus, statusAt } from '../writers/testing/world.ts';
import { vipStatusName } from '../writers/vipStatus.ts';
import { nodeWriterCompanion } from './companions.ts';
import { peersByService } from './reportDifference.ts';
import type { SeenState } from './gatehouse.ts';

function path(peer: string): BgpPathReport {
  return { peer, pathId: 0, nextHop: '10.0.0.1', asPath: [64_512], localPref: null, med: null, communities: [], linkBandwidth: null, onlyToCustomer: null };
}

/** Routes to both addresses of Service shop/web, each told to these peers. */
function reportOf(...peers: readonly (readonly string[])[]): BgpReport {
  const routes = peers.map((told, index) => {
    const address = `192.0.2.${index + 1}`;
    const rest = { family: 'ipv4', state: 'announced', reason: '', sinceMs: 0 } as const;
    return { prefix: `${address}/32`, vips: [{ address, services: ['shop/web'], obstacle: '' }], paths: told.map(path), ...rest };
  });
  return { ...NO_BGP_REPORT, routes };
}

test('of an aggregate those Services are told of that have something ready behind them', () => {
  const [route] = reportOf(['edge/tor']).routes;
  assert.ok(route !== undefined);
  const idle = { address: '192.0.2.9', services: ['shop/idle'], obstacle: 'its Service has no ready endpoint' };
  const peers = peersByService({ ...NO_BGP_REPORT, routes: [{ ...route, prefix: '192.0.2.0/24', vips: [...route.vips, idle] }] });
  assert.deepEqual([...peers], [['shop/web', new Set(['edge/tor'])]]);
});

test('a ServiceVIPStatus names the BGPPeers that this node has told of an address of the Service', async () => {
  const api = new SimulatedApi();
  const time = createManualTime();
  const { clock, schedule, wallClock } = time;
  const writer = createNodeWriter({ api, installation: 'gatehouse-system', nodeName: 'node-1', clock, wallClock, random: () => 0.5, schedule, logger: silentLogger });
  const companion = nodeWriterCompanion(writer);
  putService(api, 'web');
  const tell = async (bgp: BgpReport): Promise<unknown> => {
    const { objects } = inputOf(api, {});
    const services = [serviceStatus('web', ['192.0.2.1', '192.0.2.2'])];
    // What it looks at.
    const seen: Pick<SeenState, 'objects' | 'services' | 'announced' | 'bgp'> = { objects, services, announced: null, bgp };
    companion.update(seen as SeenState);
    await time.advance(1_000);
    return statusAt(api, `/apis/gatehouse.dev/v1/namespaces/shop/servicevipstatuses/${vipStatusName('web', 'node-1')}`)['peers'];
  };
  assert.deepEqual(await tell(NO_BGP_REPORT), []);
  assert.deepEqual(await tell(reportOf(['edge/tor'], ['metallb-system/spine', 'edge/tor'])), ['spine', 'tor']);
  const requests = api.log.length;
  assert.deepEqual(await tell(reportOf(['metallb-system/spine', 'edge/tor'], ['edge/tor'])), ['spine', 'tor']);
  assert.equal(api.log.length, requests, 'the same peers cost no request');
  assert.deepEqual(await tell(reportOf([], ['edge/tor'])), ['tor']);
  assert.deepEqual(await tell(reportOf([], [])), []);
  await companion.stop();
});
