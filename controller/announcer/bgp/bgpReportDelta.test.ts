import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyBgpReportDelta, diffBgpReport } from './bgpReportDelta.ts';
import { NO_BGP_REPORT, type BgpReport } from './bgpReport.ts';
import { isBgpReportDelta } from './isBgpReport.ts';
import { REPORT, peerReport, routeReport } from './testing/bgpReports.ts';

/** As the other process gets it. */
function sent(before: BgpReport | null, next: BgpReport, received: BgpReport): BgpReport {
  const delta = structuredClone(diffBgpReport(before, next));
  assert.ok(isBgpReportDelta(delta));
  return applyBgpReportDelta(received, delta);
}

test('reports arrive as they were told, whatever has changed', () => {
  const [first, second] = REPORT.routes;
  assert.ok(first !== undefined && second !== undefined);
  const next: BgpReport = {
    peers: [peerReport({ prefixesReceived: 4 })], problems: ['a'],
    routes: [routeReport({ prefix: '192.0.2.0/32' }), { ...first, reason: 'other' }],
  };
  let received = sent(null, REPORT, { ...NO_BGP_REPORT, routes: [routeReport({ prefix: '10.0.0.0/32' })] });
  assert.deepEqual(received, REPORT);
  received = sent(REPORT, next, received);
  assert.deepEqual(received, next);
  assert.deepEqual(sent(next, REPORT, received), REPORT);
});

test('only what has changed is told', () => {
  const [first] = REPORT.routes;
  assert.ok(first !== undefined);
  assert.deepEqual(diffBgpReport(REPORT, { ...REPORT, problems: ['a'] }).routes, { upserts: [], deletes: [] });
  assert.deepEqual(diffBgpReport(REPORT, { ...REPORT, routes: [first] }).routes, { upserts: [], deletes: ['192.0.2.2/32'] });
  const received = structuredClone(REPORT);
  assert.equal(sent(REPORT, { ...REPORT, peers: [] }, received).routes, received.routes);
});

test('what is no delta is not taken', () => {
  const delta = diffBgpReport(null, REPORT);
  for (const other of [null, REPORT, { ...delta, whole: 1 }, { ...delta, routes: { upserts: [{}], deletes: [] } }, { ...delta, routes: { upserts: [], deletes: [1] } }, { ...delta, peers: [{}] }]) {
    assert.equal(isBgpReportDelta(other), false);
  }
});
