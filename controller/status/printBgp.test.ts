import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOST_PEER, PATH, peerReport, REPORT, routeReport, vipReport } from '../announcer/bgp/testing/bgpReports.ts';
import { decodeBgpPeers, decodeBgpRoutes } from './decodeBgp.ts';
import { printBgpPeers, printBgpRoutes } from './printBgp.ts';

test('peers are printed with state, age, what they have and why one has no session', () => {
  assert.equal(printBgpPeers(REPORT.peers, ['TCP port 179 is taken'], 1_000_000 + 90_061_000), [
    'NAME         PEER         AS         STATE         SINCE   ANNOUNCED   UPDATES SENT/RCVD   BFD',
    'edge/spare   10.0.0.253   external   Idle          1d1h    -           2/7                 Down',
    'edge/tor     10.0.0.254   64513      Established   1d1h    1 ipv4      2/7                 -',
    '  edge/spare: the peer has closed it; tried again in 4 s',
    '  edge/spare: BFD is Down: Control Detection Time Expired',
    'TCP port 179 is taken',
    '',
  ].join('\n'));
  assert.match(printBgpPeers([peerReport({ families: [{ family: 'ipv6', announced: 0, reason: 'eth0 has no IPv6 address' }] })], [], 1_000_000), /^ {2}edge\/tor: no ipv6 routes: eth0 has no IPv6 address$/m);
  const error = { atMs: 940_000, text: 'the connection is lost: ECONNRESET', notification: null };
  const again = (established: number) => printBgpPeers([peerReport({ established, lastError: error })], [], 1_000_000);
  assert.match(again(3), /^ {2}edge\/tor: established 3 times; last error 1m ago: the connection is lost: ECONNRESET$/m);
  assert.doesNotMatch(again(1), /last error/);
  assert.match(printBgpPeers([], [], 0), /no BGPPeer is for this node/);
});

test('routes are printed a line for each peer, and those that nobody has with the reason', () => {
  assert.equal(printBgpRoutes(REPORT.routes), [
    'PREFIX         STATE       SERVICES   PEER       NEXT HOP   AS PATH   LOCALPREF   MED   COMMUNITIES',
    '192.0.2.1/32   announced   shop/web   edge/tor   10.0.0.1   64512     -           -     no-export',
    '192.0.2.2/32   withdrawn   shop/api   <none>     -          -         -           -     -',
    '  192.0.2.2/32: the proxy of this node does not serve',
    '',
  ].join('\n'));
  const path = { ...PATH, pathId: 7, asPath: [], localPref: 200, med: 5, linkBandwidth: 2e6, onlyToCustomer: 64_512 };
  assert.match(printBgpRoutes([routeReport({ paths: [path] })]), /edge\/tor \(path 7\) {3}10\.0\.0\.1 {3}- {9}200 {9}5 {5}no-export,bandwidth:2000000,only-to-customer:64512/);
  assert.match(printBgpRoutes([routeReport({ paths: [] })]), /no peer takes it now/);
  const idle = vipReport('192.0.2.0', { services: ['shop/idle'], obstacle: 'its Service has no ready endpoint' });
  const aggregate = routeReport({ prefix: '192.0.2.0/31', vips: [idle, vipReport('192.0.2.1')] });
  assert.match(printBgpRoutes([aggregate]), /announced {3}shop\/idle,shop\/web .*\n {2}192\.0\.2\.0\/31: not for 192\.0\.2\.0: its Service has no ready endpoint\n$/);
  assert.match(printBgpRoutes([]), /^No routes/);
});

test('what another program answers is not taken for it', () => {
  assert.deepEqual(decodeBgpPeers({ peers: [LOST_PEER], problems: ['p'] })?.problems, ['p']);
  assert.deepEqual(decodeBgpRoutes({ routes: REPORT.routes }), REPORT.routes);
  for (const body of [null, [], {}, { peers: [{}], problems: [] }, { peers: [] }]) assert.equal(decodeBgpPeers(body), null);
  for (const body of [null, [], {}, { routes: [{}] }]) assert.equal(decodeBgpRoutes(body), null);
});
