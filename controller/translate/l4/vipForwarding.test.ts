import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeFacts } from '../nodeFacts.ts';
import { judgeVip } from './vipForwarding.ts';

const NODE: NodeFacts = { zone: '', excluded: false, networkUnavailable: false };
const localAddresses = ['192.0.2.1', '2001:db8::1'];

for (const [address, vips, carried, unlikely] of [
  ['127.77.0.1', 'auto', true, false],
  ['::1', 'auto', true, false],
  ['192.0.2.1', 'auto', true, false],
  ['2001:db8::1', 'auto', true, false],
  ['192.0.2.2', 'auto', false, false],
  ['12.7.0.1', 'auto', false, false],
  ['192.0.2.2', 'bind', true, true],
  ['127.77.0.1', 'bind', true, false],
  ['127.77.0.1', 'off', false, false],
] as const) {
  test(`--vips ${vips}: the proxy ${carried ? 'binds' : 'does not bind'} ${address}${unlikely ? ', though it is elsewhere' : ''}`, () => {
    const judged = judgeVip(address, { vips, localAddresses }, NODE);
    assert.deepEqual({ carried: judged.carried, unlikely: judged.unlikely }, { carried, unlikely });
    assert.ok(judged.reason.startsWith(`${address} is `));
  });
}

for (const [facts, words] of [
  [{ excluded: true }, /label node.kubernetes.io\/exclude-from-external-load-balancers/],
  [{ networkUnavailable: true }, /condition NetworkUnavailable is True/],
] as const) {
  test(`a Node that load balancers are to leave alone carries nothing: ${Object.keys(facts).join()}`, () => {
    const judged = judgeVip('127.77.0.1', { vips: 'bind', localAddresses }, { ...NODE, ...facts });
    assert.equal(judged.carried, false);
    assert.match(judged.reason, words);
  });
}
