import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planListeners } from './listenerPlan.ts';
import type { ListenerAddress, ListenerProtocol } from '../../core/ipc/messages.ts';
import type { OpenListener } from './listenerSockets.ts';

let lastId = 0;

function open(protocol: ListenerProtocol, address: string, port: number, wantedPort = port): OpenListener {
  lastId += 1;
  return { id: lastId, protocol, address, port, wantedPort, descriptors: [] };
}

function want(protocol: ListenerProtocol, address: string, port: number): ListenerAddress {
  return { protocol, address, port };
}

test('what is open stays, what is new is added, what is wanted no more goes; fixed listeners stay in any case', () => {
  const [web, fixed] = [open('http', '127.0.0.1', 80), open('https', '127.0.0.1', 443)];
  const gone = open('tcp', '127.0.0.1', 5432);
  const wanted = [want('http', '127.0.0.1', 80), want('udp', '127.0.0.1', 5432)];
  const plan = planListeners(wanted, { fixed: [fixed], dynamic: [web, gone] });
  assert.deepEqual([...plan.steps.values()], [{ type: 'keep', open: web }, { type: 'add' }]);
  assert.deepEqual(plan.unwanted, [gone]);
});

test('port 0 means the listener that was opened for it, each protocol its own; its bound port means it too', () => {
  const [tcp, udp] = [open('tcp', '::1', 40_000, 0), open('udp', '::1', 40_001, 0)];
  const now = { fixed: [], dynamic: [tcp, udp] };
  for (const wanted of [[want('udp', '::1', 0), want('tcp', '::1', 0)], [want('udp', '::1', 40_001), want('tcp', '::1', 40_000)]]) {
    const plan = planListeners(wanted, now);
    assert.deepEqual([...plan.steps.values()], [{ type: 'keep', open: udp }, { type: 'keep', open: tcp }]);
    assert.deepEqual(plan.unwanted, []);
  }
  const fixedOnly = planListeners([want('tcp', '::1', 0)], { fixed: [tcp], dynamic: [] });
  assert.deepEqual([...fixedOnly.steps.values()], [{ type: 'add' }]);
});

test('a port that changes its protocol is replaced, one of a fixed listener is refused', () => {
  const now = { fixed: [open('http', '127.0.0.1', 80)], dynamic: [open('tcp', '127.0.0.1', 853)] };
  const plan = planListeners([want('https', '127.0.0.1', 853), want('tcp', '127.0.0.1', 80)], now);
  assert.deepEqual([...plan.steps.values()], [{ type: 'replace' }, { type: 'refuse' }]);
  assert.deepEqual(plan.unwanted, now.dynamic);
});

test('of entries for one port the first counts: those that say the same share it, others are refused', () => {
  const [first, same, other, datagrams] = [want('tcp', '::', 53), want('tcp', '::', 53), want('http', '::', 53), want('udp', '::', 53)];
  const plan = planListeners([first, same, other, datagrams], { fixed: [], dynamic: [] });
  assert.deepEqual([...plan.steps], [[first, { type: 'add' }], [same, { type: 'same', as: first }], [other, { type: 'refuse' }], [datagrams, { type: 'add' }]]);
});
