import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../core/log/logger.ts';
import type { Neighbourhood } from '../parts.ts';
import type { KernelReport } from '../report.ts';
import { createKernelForwarding } from './kernelForwarding.ts';
import type { StaleFlows } from './kernelParts.ts';
import type { NftResult } from './nft.ts';
import { endpoints, forwarded, proxied, wanted } from './testing/ports.ts';

const REFUSED: NftResult = { ok: false, reason: 'refused', text: 'Error: Could not process rule: Device or resource busy' };

/** Kernel forwarding on an nft that says what `answer` does, by default yes to every transaction and that there is no table. */
function setUp(answer: (text: string) => NftResult | Promise<NftResult> = () => ({ ok: true, output: '' })) {
  const texts: string[] = [];
  const flushed: (readonly StaleFlows[])[] = [];
  const calls: string[] = [];
  const told = Promise.withResolvers<KernelReport>();
  const flush = { fails: false };
  const forwarding = createKernelForwarding({
    settings: { nodeName: 'node-1', mark: 0x10000, routeTable: 77, setSysctls: false },
    nft: {
      run: async (args, input) => {
        if (args.includes('list')) return { ok: false, reason: 'refused', text: 'Error: No such file or directory' };
        texts.push(input);
        return answer(input);
      },
    },
    sysctls: { read: () => Promise.resolve(null), write: () => Promise.resolve(), list: () => Promise.resolve([]) },
    routing: {
      ensure: (mark, table) => { calls.push(`ensure ${mark} ${table}`); return Promise.resolve(); },
      remove: () => { calls.push('remove'); return Promise.resolve(); },
    },
    conntrack: { flush: (flows) => { flushed.push(flows); return flush.fails ? Promise.reject(new Error('no')) : Promise.resolve(); } },
    log: silentLogger,
    reported: told.resolve,
    checkIntervalMs: 5,
  });
  return { forwarding, texts, flushed, calls, flush, told: told.promise };
}

const isWhole = (text: string): boolean => text.includes('table inet gatehouse {');
const one = forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080'));
const two = forwarded('192.0.2.2', 80, endpoints('10.0.0.1:8080'));

test('the first transaction is whole, the next ones are differences, and the same again is none', async () => {
  const { forwarding, texts } = setUp();
  for (const ports of [wanted(one), wanted(one, two), wanted(one, two)]) assert.equal((await forwarding.apply(ports)).programmed, true);
  await forwarding.stop(false);
  const transactions = texts.filter((text) => text.split('\n').length > 2);
  assert.deepEqual(transactions.map(isWhole), [true, false]);
  assert.doesNotMatch(transactions[1] ?? '', /192\.0\.2\.1 /);
});

test('a difference that is refused is followed by the whole table at once', async () => {
  let refuse = false;
  const { forwarding, texts } = setUp((text) => (refuse && !isWhole(text) ? REFUSED : { ok: true, output: '' }));
  await forwarding.apply(wanted(one));
  refuse = true;
  assert.deepEqual(await forwarding.apply(wanted(one, two)), { programmed: true, ports: 2, problems: [] });
  await forwarding.stop(false);
  assert.equal(texts.filter(isWhole).length, 2);
});

test('a table that is refused is a problem, tried again until it is taken, and then told', async () => {
  let refusals = 2;
  const { forwarding, told } = setUp(() => {
    refusals -= 1;
    return refusals >= 0 ? REFUSED : { ok: true, output: '' };
  });
  const report = await forwarding.apply(wanted(one));
  assert.equal(report.programmed, false);
  assert.match(report.problems[0] ?? '', /Device or resource busy/);
  // The timer of the retry does not hold the process.
  const hold = setInterval(() => {}, 1_000);
  assert.deepEqual(await told, { programmed: true, ports: 1, problems: [] });
  clearInterval(hold);
  await forwarding.stop(false);
});

test('what is wanted while a transaction runs waits, and only the newest is carried out', async () => {
  const gate = Promise.withResolvers<void>();
  const { forwarding, texts } = setUp(async () => {
    await gate.promise;
    return { ok: true, output: '' };
  });
  const reports = [wanted(one), wanted(two), wanted(), wanted(one, two)].map((ports) => forwarding.apply(ports));
  gate.resolve();
  assert.deepEqual((await Promise.all(reports)).map(({ ports }) => ports), [2, 2, 2, 2]);
  await forwarding.stop(false);
  assert.equal(texts.filter((text) => text.split('\n').length > 2).length, 1);
});

test('the route to the proxy is there before the first port of it, and goes for good', async () => {
  const { forwarding, texts, calls } = setUp();
  await forwarding.apply(wanted(one));
  assert.deepEqual(calls, []);
  await forwarding.apply(wanted(one, proxied('192.0.2.1', 443)));
  assert.equal(calls[0], 'ensure 65536 77');
  await forwarding.stop(true);
  assert.equal(calls.at(-1), 'remove');
  assert.equal(texts.at(-1), 'add table inet gatehouse\ndelete table inet gatehouse\n');
});

const NEIGHBOURHOOD: Neighbourhood = { uplinks: [2], neighbours: new Map([['node-2', ['10.0.0.2']]]) };
const spread = (...nodes: string[]) => wanted(forwarded('192.0.2.1', 80, nodes.map((node, index) => ({ address: `10.1.0.${index + 1}`, port: 80, weight: 1, node })), { balance: 'maglev' }));

test('what is handed over changes in the same transaction as what is translated', async () => {
  const { forwarding, texts } = setUp();
  await forwarding.apply(spread('node-1', 'node-2'), NEIGHBOURHOOD);
  const before = texts.length;
  for (const ports of [spread('node-1', 'node-2', 'node-2'), spread('node-1')]) await forwarding.apply(ports, NEIGHBOURHOOD);
  await forwarding.stop(false);
  const transactions = texts.slice(before).filter((text) => text.split('\n').length > 2);
  assert.equal(transactions.length, 2);
  for (const text of transactions) assert.match(text, / inet gatehouse [^]* ip gatehouse/);
  assert.match(transactions[1] ?? '', /delete table ip gatehouse\n/);
});

test('what cannot be handed over costs nothing of what is translated, and is written whole', async () => {
  let refuse = false;
  const { forwarding, texts } = setUp((text) => (refuse && text.includes(' ip gatehouse') && !text.includes('table ip gatehouse {') ? REFUSED : { ok: true, output: '' }));
  await forwarding.apply(spread('node-1', 'node-2'), NEIGHBOURHOOD);
  refuse = true;
  const before = texts.length;
  assert.deepEqual(await forwarding.apply(spread('node-1', 'node-2', 'node-2'), NEIGHBOURHOOD), { programmed: true, ports: 1, problems: [] });
  await forwarding.stop(false);
  const [both = '', alone = '', handover = ''] = texts.slice(before);
  assert.match(both, / inet gatehouse [^]* ip gatehouse/);
  assert.doesNotMatch(alone, / ip gatehouse|table inet gatehouse \{/);
  assert.match(handover, /^[^]*table ip gatehouse \{/);
  assert.doesNotMatch(handover, /inet gatehouse/);
});

test('UDP flows are forgotten where an endpoint has left, not where one has come; what fails is tried again', async () => {
  const { forwarding, flushed, flush } = setUp();
  const udp = (...texts: string[]) => wanted(one, forwarded('192.0.2.1', 53, endpoints(...texts), { protocol: 'udp' }));
  const keep = (...numbers: number[]): StaleFlows[] => [{ protocol: 'udp', vip: '192.0.2.1', port: 53, keep: numbers.map((number) => ({ address: `10.0.0.${number}`, port: 53 })) }];
  await forwarding.apply(udp('10.0.0.1:53'));
  assert.deepEqual(flushed.splice(0), [keep(1)]);
  await forwarding.apply(udp('10.0.0.1:53', '10.0.0.2:53'));
  assert.deepEqual(flushed.splice(0), []);
  flush.fails = true;
  assert.match((await forwarding.apply(udp('10.0.0.2:53'))).problems[0] ?? '', /UDP clients/);
  flush.fails = false;
  flushed.splice(0);
  // The endpoint that came meanwhile must not be taken for one that has left.
  assert.deepEqual((await forwarding.apply(udp('10.0.0.2:53', '10.0.0.3:53'))).problems, []);
  assert.deepEqual(flushed.at(-1), keep(2, 3));
  await forwarding.apply(wanted(one));
  assert.deepEqual(flushed.at(-1), keep());
  await forwarding.stop(false);
});
