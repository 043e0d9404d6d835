import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gauge, Registry } from 'prom-client';
import { NO_BGP } from '../announcer/bgp/bgpWanted.ts';
import { NO_BGP_REPORT } from '../announcer/bgp/bgpReport.ts';
import { PEER } from '../announcer/bgp/testing/bgpFacts.ts';
import { REPORT, routeReport, vipReport } from '../announcer/bgp/testing/bgpReports.ts';
import { BgpMetrics } from './bgpMetrics.ts';

const WANTED = { ...NO_BGP, peers: new Map([[PEER.name, PEER]]) };

async function lines(registry: Registry): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('each peer has its series, and they go with it', async () => {
  const registry = new Registry();
  const metrics = new BgpMetrics(registry);
  metrics.set({ report: REPORT, wanted: WANTED, nodeName: 'one' });
  metrics.set({ report: REPORT, wanted: WANTED, nodeName: 'one' });
  const shown = await lines(registry);
  for (const line of [
    'gatehouse_bgp_session_up{peer="edge/tor",vrf=""} 1',
    'gatehouse_bgp_session_up{peer="edge/spare",vrf=""} 0',
    'gatehouse_bgp_announced_paths{peer="edge/tor",vrf=""} 1',
    'gatehouse_bgp_dropped_prefixes_total{peer="edge/tor",vrf=""} 3',
    'gatehouse_bgp_messages_total{peer="edge/tor",vrf="",direction="received",type="updates"} 7',
    'gatehouse_bgp_octets_total{peer="edge/tor",vrf="",direction="sent"} 900',
    'gatehouse_bgp_routes{state="announced"} 1',
    'gatehouse_bgp_routes{state="withdrawn"} 1',
    'gatehouse_bfd_session_up{peer="edge/spare",vrf=""} 0',
    'gatehouse_bfd_down_total{peer="edge/spare",vrf=""} 2',
  ]) assert.ok(shown.includes(line), line);
  assert.ok(!shown.some((line) => line.startsWith('gatehouse_bfd') && line.includes('edge/tor')));
  assert.ok(!shown.some((line) => line.startsWith('metallb_')));
  metrics.set({ report: NO_BGP_REPORT, wanted: NO_BGP, nodeName: 'one' });
  assert.deepEqual(await lines(registry), []);
});

test("MetalLB's names say the same of peers by their addresses", async () => {
  const registry = new Registry();
  const idle = vipReport('192.0.2.0', { services: ['shop/idle'], obstacle: 'its Service has no ready endpoint' });
  const report = { ...REPORT, routes: [routeReport({ prefix: '192.0.2.0/31', vips: [idle, vipReport('192.0.2.1')] }), ...REPORT.routes.slice(1)] };
  const speakerAnnounced = new Gauge({ name: 'metallb_speaker_announced', help: 'h', labelNames: ['service', 'protocol', 'node', 'ip'], registers: [registry] });
  new BgpMetrics(registry, { metallbNames: true, speakerAnnounced }).set({ report, wanted: WANTED, nodeName: 'one' });
  const shown = await lines(registry);
  for (const line of [
    'metallb_bgp_session_up{peer="10.0.0.254:179",vrf=""} 1',
    'metallb_bgp_updates_total{peer="10.0.0.254:179",vrf=""} 2',
    'metallb_bgp_announced_prefixes_total{peer="10.0.0.254:179",vrf=""} 1',
    'metallb_bfd_session_up{peer="10.0.0.253:179",vrf=""} 0',
    'metallb_speaker_announced{service="shop/web",protocol="bgp",node="one",ip="192.0.2.1"} 1',
  ]) assert.ok(shown.includes(line), line);
  assert.equal(shown.filter((line) => line.startsWith('metallb_speaker_announced')).length, 1);
});
