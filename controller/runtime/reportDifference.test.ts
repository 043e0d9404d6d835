import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnnouncerReport, VipReport } from '../announcer/report.ts';
import { differsForCompanions } from './reportDifference.ts';

const VIP: VipReport = {
  address: '192.0.2.1',
  owner: 'node-a',
  sharers: [],
  interfaces: ['eth0'],
  reason: '',
  sinceMs: 1,
  conflicts: [],
  frames: { requestsReceived: 1, repliesSent: 1, gratuitousSent: 1, conflictsSeen: 0 },
};
const REPORT: AnnouncerReport = { generation: 1, vips: [VIP], members: [], kernel: { programmed: true, ports: 1, problems: [] }, interfaces: [] };

function withVip(more: Partial<VipReport>): AnnouncerReport {
  return { ...REPORT, vips: [{ ...VIP, ...more }] };
}

test('Frames, words and members make no difference', () => {
  const busy = withVip({ frames: { ...VIP.frames, requestsReceived: 999 }, reason: 'other words', conflicts: ['eth0 02:00:00:00:00:01'] });
  assert.equal(differsForCompanions(REPORT, { ...busy, generation: 2, members: [{ node: 'a', address: '', state: 'dead', sinceMs: 1, serving: false }] }), false);
});

test('Owners, sharers, interfaces, VIPs and the state of the kernel do', () => {
  for (const more of [{ owner: 'node-b' }, { owner: null }, { sharers: ['node-a'] }, { interfaces: [] }, { interfaces: ['eth1'] }, { address: '192.0.2.2' }]) {
    assert.equal(differsForCompanions(REPORT, withVip(more)), true, JSON.stringify(more));
  }
  assert.equal(differsForCompanions(REPORT, { ...REPORT, vips: [] }), true);
  assert.equal(differsForCompanions(REPORT, { ...REPORT, kernel: { ...REPORT.kernel, programmed: false } }), true);
});
