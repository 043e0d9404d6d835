import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeFacts } from '../nodeFacts.ts';
import { judgeVip } from './vipForwarding.ts';

const NODE: NodeFacts = { zone: '', excluded: false, networkUnavailable: false };
const localAddresses = ['192.0.2.1', '2001:db8::1'];

for (const [address, vips, by, doubtful] of [
  ['127.77.0.1', 'auto', 'bind', false],
  ['::1', 'auto', 'bind', false],
  ['192.0.2.1', 'auto', 'bind', false],
  ['2001:db8::1', 'auto', 'bind', false],
  ['192.0.2.2', 'auto', 'none', false],
  ['12.7.0.1', 'auto', 'none', false],
  ['192.0.2.2', 'bind', 'bind', true],
  ['127.77.0.1', 'bind', 'bind', false],
  ['127.77.0.1', 'off', 'none', false],
  ['192.0.2.2', 'kernel', 'kernel', false],
  ['127.77.0.1', 'kernel', 'bind', false],
] as const) {
  test(`--vips ${vips}: ${address} is taken in by ${by}${doubtful ? ', though it is elsewhere' : ''}`, () => {
    const judged = judgeVip(address, { vips, localAddresses, kernelRefusal: null }, { node: NODE, announced: false });
    assert.deepEqual({ by: judged.by, doubtful: judged.doubt !== null }, { by, doubtful });
    assert.ok(judged.reason.startsWith(`${address} is `));
  });
}

test('--vips auto: an address that is announced and on no interface goes to the kernel', () => {
  const options = { vips: 'auto', localAddresses, kernelRefusal: null } as const;
  assert.equal(judgeVip('192.0.2.2', options, { node: NODE, announced: true }).by, 'kernel');
  assert.equal(judgeVip('192.0.2.1', options, { node: NODE, announced: true }).by, 'bind');
});

for (const vips of ['auto', 'kernel'] as const) {
  test(`--vips ${vips}: where the kernel may not be programmed, that is said`, () => {
    const judged = judgeVip('192.0.2.2', { vips, localAddresses, kernelRefusal: 'nft is missing: install nftables' }, { node: NODE, announced: true });
    assert.equal(judged.by, 'none');
    assert.match(judged.reason, /nft is missing/);
    assert.match(judged.doubt?.rule ?? '', /nft is missing/);
  });
}

for (const [facts, words] of [
  [{ excluded: true }, /label node.kubernetes.io\/exclude-from-external-load-balancers/],
  [{ networkUnavailable: true }, /condition NetworkUnavailable is True/],
] as const) {
  test(`a Node that load balancers are to leave alone carries nothing: ${Object.keys(facts).join()}`, () => {
    const judged = judgeVip('127.77.0.1', { vips: 'bind', localAddresses, kernelRefusal: null }, { node: { ...NODE, ...facts }, announced: false });
    assert.equal(judged.by, 'none');
    assert.match(judged.reason, words);
  });
}
