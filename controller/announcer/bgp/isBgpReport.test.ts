import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBgpPeerEvent, isBgpReport } from './isBgpReport.ts';
import { REPORT } from './testing/bgpReports.ts';

/** Every way of putting something else in the place of one value. */
function* spoilt(value: unknown): Generator<unknown> {
  yield Symbol('something else');
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) for (const other of spoilt(item)) yield value.with(index, other);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) for (const other of spoilt(item)) yield { ...value, [key]: other };
  }
}

test('a report is taken, also after it has been JSON, and none of which one field is something else', () => {
  assert.ok(isBgpReport(REPORT));
  assert.ok(isBgpReport(JSON.parse(JSON.stringify(REPORT))));
  let count = 0;
  for (const other of spoilt(REPORT)) {
    count += 1;
    assert.equal(isBgpReport(other), false);
  }
  assert.ok(count > 100, String(count));
});

test('an event of a peer is taken, and none of which one field is something else', () => {
  const event = { type: 'bgpPeer', peer: 'edge/tor', remote: '10.0.0.254', up: true, reason: '', atMs: 1 };
  assert.ok(isBgpPeerEvent(event));
  for (const other of spoilt(event)) assert.equal(isBgpPeerEvent(other), false);
});
