import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { createAdminServer } from '../../controller/admin/adminServer.ts';
import type { AdminViews } from '../../controller/admin/adminViews.ts';
import { NO_BGP_REPORT, type BgpPeerReport, type BgpReport, type BgpRouteReport } from '../../controller/announcer/bgp/bgpReport.ts';
import { AnnouncerJournal } from '../../controller/status/announcementsView.ts';
import type { StatusView } from '../../controller/status/statusView.ts';
import { silentLogger } from '../../core/log/logger.ts';
import { lacks } from '../support/requirement.ts';

const skip = lacks('chromium');
const BAIT = '<img src="/nowhere" onerror="document.title=1">';
const NO_MESSAGES = { open: 0, update: 0, notification: 0, keepalive: 0, routeRefresh: 0, octets: 0 };
const HOUR_MS = 3_600_000;

const STATUS: StatusView = {
  version: '1.2.3', ready: true, generation: 7, appliedGeneration: 7, waitingFor: [], leader: null, nodes: [], ingresses: [],
  listeners: [{ protocol: 'http', address: '0.0.0.0', port: 80 }],
  services: [{
    namespace: 'shop', name: 'web', addresses: ['192.0.2.10'], pool: 'lan', forwarding: 'kernel', reason: BAIT, owner: null, interfaces: [], peers: [],
    ports: [{ port: 80, protocol: 'TCP', name: '', endpoints: 2 }],
  }],
  problems: [],
};

function peer(name: string, rest: Partial<BgpPeerReport>): BgpPeerReport {
  return {
    name, remote: '10.0.0.254', port: 179, vrf: null, state: 'Established', sinceMs: Date.now() - 3 * HOUR_MS, localAddress: '10.0.0.1', localAsn: 64_512,
    remoteAsn: 64_513, routerId: '10.0.0.1', remoteRouterId: '10.0.0.254', remoteHostName: '', holdTimeMs: 90_000, keepaliveTimeMs: 30_000, capabilities: [],
    families: [{ family: 'ipv4', announced: 2, reason: '' }], sent: NO_MESSAGES, received: NO_MESSAGES, prefixesReceived: 0, established: 1, lastError: null,
    retryInMs: null, bfd: null, ...rest,
  };
}

function route(prefix: string, rest: Partial<BgpRouteReport>): BgpRouteReport {
  return { prefix, family: 'ipv4', vips: [{ address: prefix.replace(/\/.*/, ''), services: ['shop/web'], obstacle: '' }], state: 'announced', reason: '', sinceMs: 0, paths: [], ...rest };
}

const BGP: BgpReport = {
  peers: [
    peer('edge/tor', {}),
    peer('edge/spine', { remote: '10.0.0.253', port: 1179, vrf: 'red', state: 'Active', retryInMs: 4_200, lastError: { atMs: 0, text: `refused: ${BAIT}`, notification: null } }),
  ],
  routes: [
    route('192.0.2.10/32', {
      paths: [{ peer: 'edge/tor', pathId: 0, nextHop: '10.0.0.1', asPath: [64_512], localPref: null, med: 5, communities: ['no-export'], linkBandwidth: null, onlyToCustomer: 64_512 }],
      vips: [{ address: '192.0.2.10', services: ['shop/web'], obstacle: '' }, { address: '192.0.2.9', services: ['shop/idle'], obstacle: 'nothing is ready' }],
    }),
    route('192.0.2.11/32', { state: 'withdrawn', reason: 'no ready endpoint' }),
  ],
  problems: [],
};

/** An admin API that shows this of BGP. */
async function startApi(t: TestContext, bgp: BgpReport): Promise<string> {
  const views: AdminViews = {
    ready: () => true, status: () => STATUS, snapshot: () => ({}), explain: () => Promise.resolve(null), pools: () => [], bgp: () => bgp,
    announcements: () => new AnnouncerJournal().view(null), endpoints: () => Promise.resolve([]), metrics: () => Promise.resolve(''),
  };
  const server = createAdminServer({ listen: { address: '127.0.0.1', port: 0 }, views, logger: silentLogger });
  const { address, port } = await server.start();
  t.after(() => server.stop());
  return `http://${address}:${port}/`;
}

/** The document as a browser has it once the page has loaded and asked the API. */
async function documentOf(t: TestContext, url: string): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), 'gatehouse-test-chromium-'));
  t.after(() => rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  const flags = [
    '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    `--user-data-dir=${profile}`, '--virtual-time-budget=1000', '--dump-dom',
  ];
  return (await promisify(execFile)('chromium', [...flags, url], { timeout: 60_000 })).stdout;
}

/** Texts of the cells of a table body, row by row. */
function rowsOf(html: string, id: string): readonly (readonly string[])[] {
  const body = new RegExp(`<tbody id="${id}">(.*?)</tbody>`, 's').exec(html)?.[1] ?? assert.fail(`no table ${id}`);
  return [...body.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, cells = '']) =>
    [...cells.matchAll(/<td>(.*?)<\/td>/gs)].map(([, cell = '']) => cell.replaceAll(/<\/?(?:span|div|small)[^>]*>/g, ' ').replaceAll(/ +/g, ' ').trim()));
}

const ESCAPED = BAIT.replaceAll('<', '&lt;').replaceAll('>', '&gt;');

test('the status page shows peers of BGP, why there is no session, and who is told of what; what they say stays text', { skip }, async (t) => {
  const html = await documentOf(t, await startApi(t, BGP));
  assert.match(html, /<section id="bgp" aria-labelledby="bgp-title">/);
  assert.deepEqual(rowsOf(html, 'bgp-peers'), [
    ['edge/tor', '10.0.0.254', '64513', 'Established', '3h', '2 ipv4', '–'],
    ['edge/spine', '10.0.0.253 port 1179 (red)', '64513', 'Active', '3h', '2 ipv4', `refused: ${ESCAPED} (tried again in 5 s)`],
  ]);
  assert.deepEqual(rowsOf(html, 'bgp-routes'), [
    ['192.0.2.10/32', 'announced', 'shop/idle, shop/web', 'edge/tor via 10.0.0.1 AS path 64512, MED 5, no-export, only to customers, says AS 64512 not for 192.0.2.9: nothing is ready'],
    ['192.0.2.11/32', 'withdrawn', 'shop/web', 'no ready endpoint'],
  ]);
  assert.deepEqual(rowsOf(html, 'services'), [['shop', 'web', '192.0.2.10', 'lan', '80/TCP', '2', `kernel: ${ESCAPED}`]]);
  assert.doesNotMatch(html, /<img|<title>1/);
});

test('the status page has no section for BGP where this node has no peers', { skip }, async (t) => {
  const html = await documentOf(t, await startApi(t, NO_BGP_REPORT));
  assert.match(html, /<section id="bgp" aria-labelledby="bgp-title" hidden="">/);
  assert.match(html, /Ready · 0 Ingresses, generation 7/);
});
