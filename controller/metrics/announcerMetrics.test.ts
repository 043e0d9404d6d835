import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Registry } from 'prom-client';
import { NO_BGP } from '../announcer/bgp/bgpWanted.ts';
import type { AnnouncerReport, MemberReport, VipReport } from '../announcer/report.ts';
import type { AnnouncedVip, AnnouncerWanted } from '../announcer/wanted.ts';
import { AnnouncerMetrics } from './announcerMetrics.ts';
import { parseExposition } from './parseExposition.ts';

const NOTHING: AnnouncerWanted = { ports: new Map(), vips: new Map(), nodes: new Map(), bgp: NO_BGP };

function vip(address: string, more: Partial<VipReport> = {}): VipReport {
  const frames = { requestsReceived: 9, repliesSent: 8, gratuitousSent: 7, conflictsSeen: 6 };
  return { address, owner: 'self', sharers: [], interfaces: ['eth0'], reason: '', sinceMs: 1, conflicts: [], frames, ...more };
}

function member(node: string, state: MemberReport['state']): MemberReport {
  return { node, address: '192.0.2.200', state, sinceMs: 1, serving: true };
}

function report(vips: readonly VipReport[], more: Partial<AnnouncerReport> = {}): AnnouncerReport {
  return { generation: 1, vips, members: [], kernel: { programmed: true, ports: 3, problems: [] }, interfaces: [], ...more };
}

function wants(address: string, services: readonly string[]): AnnouncerWanted {
  const wanted: AnnouncedVip = { address, candidates: [], interfaces: [], sharing: 'owner', sticky: false, ownership: 'hash', needsProxy: false, services };
  return { ...NOTHING, vips: new Map([[address, wanted]]) };
}

function start(options: { readonly metallbNames?: boolean } = {}) {
  const registry = new Registry();
  const metrics = new AnnouncerMetrics(registry, options);
  const read = async (name: string): Promise<readonly string[]> =>
    (parseExposition(await registry.metrics()).get(name)?.samples ?? []).map(({ labels, value }) => [...labels.values(), value].join(' '));
  const set = (found: AnnouncerReport | null, wanted: AnnouncerWanted | null = NOTHING): void => metrics.set({ report: found, wanted, nodeName: 'self' });
  return { metrics, registry, read, set };
}

suite('gatehouse_announcer_up', () => {
  test('is absent where there is nothing to announce, 0 while nothing is told, else 1', async () => {
    const { read, set } = start();
    assert.deepEqual(await read('gatehouse_announcer_up'), []);
    for (const wanted of [null, NOTHING]) {
      set(null, wanted);
      assert.deepEqual(await read('gatehouse_announcer_up'), []);
    }
    set(null, wants('192.0.2.1', []));
    assert.deepEqual(await read('gatehouse_announcer_up'), ['0']);
    set(report([]));
    assert.deepEqual(await read('gatehouse_announcer_up'), ['1']);
    set(null);
    assert.deepEqual(await read('gatehouse_announcer_kernel_programmed'), [], 'of an announcer that tells nothing nothing is known');
  });

  test('goes with the number of restarts', async () => {
    const { metrics, read } = start();
    metrics.restarted();
    metrics.restarted();
    assert.deepEqual(await read('gatehouse_announcer_restarts_total'), ['2']);
  });
});

test('what the kernel and the members are like is shown', async () => {
  const { read, set } = start();
  const members = [member('self', 'alive'), member('a', 'alive'), member('b', 'dead')];
  set(report([], { members, kernel: { programmed: false, ports: 12, problems: ['one', 'two'] } }));
  assert.deepEqual(await read('gatehouse_announcer_kernel_programmed'), ['0']);
  assert.deepEqual(await read('gatehouse_announcer_kernel_ports'), ['12']);
  assert.deepEqual(await read('gatehouse_announcer_kernel_problems'), ['2']);
  assert.deepEqual(await read('gatehouse_announcer_members'), ['alive 2', 'suspect 0', 'dead 1', 'left 0']);
});

suite('of each VIP', () => {
  const vips = [
    vip('192.0.2.1'),
    vip('192.0.2.2', { owner: 'a', interfaces: [] }),
    vip('192.0.2.3', { owner: null, sharers: ['a', 'self'] }),
    vip('2001:db8::1', { owner: null, interfaces: [] }),
  ];

  test('the owner and whether this node answers are shown, and how many there are of each kind', async () => {
    const { read, set } = start();
    set(report(vips));
    assert.deepEqual(await read('gatehouse_vip_owner'), ['192.0.2.1 self 1', '192.0.2.2 a 1']);
    assert.deepEqual(await read('gatehouse_vip_announced'), ['192.0.2.1 1', '192.0.2.2 0', '192.0.2.3 1', '2001:db8::1 0']);
    assert.deepEqual(await read('gatehouse_vips'), ['self 1', 'other 1', 'shared 1', 'nobody 1']);
  });

  test('frames are the totals of the report however often it is looked at, and go with the VIP', async () => {
    const { read, set } = start();
    set(report(vips));
    set(report(vips.slice(0, 1)));
    assert.deepEqual(await read('gatehouse_vip_requests_received_total'), ['192.0.2.1 9']);
    assert.deepEqual(await read('gatehouse_vip_replies_sent_total'), ['192.0.2.1 8']);
    assert.deepEqual(await read('gatehouse_vip_gratuitous_sent_total'), ['192.0.2.1 7']);
    assert.deepEqual(await read('gatehouse_vip_conflicts_total'), ['192.0.2.1 6']);
  });

  test('series are bounded, counts of all are not', async () => {
    const { read, set } = start();
    set(report(Array.from({ length: 10_050 }, (_, index) => vip(`10.1.${index >> 8}.${index & 255}`))));
    assert.equal((await read('gatehouse_vip_owner')).length, 10_000);
    assert.equal((await read('gatehouse_vips'))[0], 'self 10050');
  });
});

test('moves are counted by what became of the VIP here', async () => {
  const { metrics, read } = start();
  const moves = [[null, 'self'], ['a', 'self'], ['self', 'a'], ['self', null], ['a', null]] as const;
  for (const [from, to] of moves) metrics.happened({ type: 'moved', address: '192.0.2.1', from, to, reason: '', atMs: 0 }, 'self');
  metrics.happened({ type: 'conflict', address: '192.0.2.1', interface: 'eth0', mac: '02:00:00:00:00:01', defended: true, atMs: 0 }, 'self');
  assert.deepEqual(await read('gatehouse_vip_moves_total'), ['acquired 1', 'taken 1', 'given 1', 'lost 2']);
});

suite("MetalLB's names", () => {
  test('are there with --compat metallb, of the VIPs that this node answers for and each Service of theirs', async () => {
    const { read, set } = start({ metallbNames: true });
    const shared = wants('192.0.2.1', ['mail/smtp', 'shop/web']);
    set(report([vip('192.0.2.1'), vip('192.0.2.2', { owner: 'a', interfaces: [] })]), shared);
    assert.deepEqual(await read('metallb_speaker_announced'), ['mail/smtp layer2 self 192.0.2.1 1', 'shop/web layer2 self 192.0.2.1 1']);
    assert.deepEqual(await read('metallb_layer2_requests_received'), ['192.0.2.1 9', '192.0.2.2 9']);
    assert.deepEqual(await read('metallb_layer2_responses_sent'), ['192.0.2.1 8', '192.0.2.2 8']);
    assert.deepEqual(await read('metallb_layer2_gratuitous_sent'), ['192.0.2.1 7', '192.0.2.2 7']);
  });

  test('are not there without', async () => {
    const { registry, set } = start();
    set(report([vip('192.0.2.1')]), wants('192.0.2.1', ['shop/web']));
    assert.ok(!(await registry.metrics()).includes('metallb'));
  });
});
