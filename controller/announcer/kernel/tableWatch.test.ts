import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetlinkInput } from '../../../core/os/netlinkSocket.ts';
import { encodeNetlinkMessage } from '../netlink/netlinkMessage.ts';
import { createTableWatch } from './tableWatch.ts';

const [NEW_RULE, DELETE_CHAIN, DELETE_TABLE] = [0x0a06, 0x0a05, 0x0a02];

function message(type: number): Buffer {
  return encodeNetlinkMessage({ type, flags: 0, sequence: 0 }, [Buffer.from([1, 0, 0, 0])]);
}

/** A watch of a socket that gives these inputs, and what became of the socket. */
function watchOf(inputs: NetlinkInput[]) {
  const state = { opened: 0, closed: 0 };
  const watch = createTableWatch(() => {
    state.opened += 1;
    return { send: () => {}, receive: () => inputs.shift() ?? 'nothing', wait: () => false, close: () => { state.closed += 1; } };
  });
  return { watch, state };
}

test('only the removal of a table is told of, however much else comes with it', () => {
  const inputs: NetlinkInput[] = [message(NEW_RULE), Buffer.concat([message(DELETE_CHAIN), message(NEW_RULE)])];
  const { watch } = watchOf(inputs);
  assert.equal(watch.removed(), false);
  inputs.push(message(NEW_RULE), Buffer.concat([message(DELETE_CHAIN), message(DELETE_TABLE)]), message(NEW_RULE));
  assert.equal(watch.removed(), true);
  assert.equal(watch.removed(), false);
});

test('what is lost or cut may have been a removal', () => {
  for (const input of ['overrun' as const, message(DELETE_CHAIN).subarray(0, 18)]) assert.equal(watchOf([input]).watch.removed(), true);
});

test('a flood is taken in pieces', () => {
  const inputs: NetlinkInput[] = Array.from({ length: 5_000 }, () => message(NEW_RULE));
  const { watch } = watchOf(inputs);
  watch.removed();
  assert.ok(inputs.length > 0);
});

test('nothing is open before the first call and after the end', () => {
  const { watch, state } = watchOf([]);
  watch.close();
  watch.removed();
  watch.removed();
  watch.close();
  watch.close();
  assert.deepEqual(state, { opened: 1, closed: 1 });
});
