import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Neighbourhood } from '../parts.ts';
import type { ForwardedPort, KernelEndpoint } from '../wanted.ts';
import { createHandoverProgrammer } from './handoverProgrammer.ts';
import type { NftResult } from './nft.ts';
import { planPort } from './planPort.ts';
import { endpoints, forwarded, wanted, type ForwardedOptions } from './testing/ports.ts';

const NEIGHBOURS: Neighbourhood = { uplinks: [2], neighbours: new Map([['b', ['10.0.0.2', 'fd00::2']], ['c', ['10.0.0.3']]]) };
const ENDPOINTS: readonly KernelEndpoint[] = ['a', 'b', 'c'].map((node, index) => ({ address: `10.1.0.${index + 1}`, port: 80, weight: 1, node }));

function port(list = ENDPOINTS, more: ForwardedOptions = {}): ForwardedPort {
  return forwarded('192.0.2.1', 80, list, { balance: 'maglev', ...more });
}

/** A programmer on an nft that takes everything, but for what `refuses` says. */
function setUp(refuses: (text: string) => boolean = () => false, tables = '') {
  const texts: string[] = [];
  const programmer = createHandoverProgrammer({
    run: async (args, input): Promise<NftResult> => {
      if (args.join(' ') === 'list tables') return { ok: true, output: tables };
      if (args.includes('list')) return { ok: false, reason: 'refused', text: 'Error: No such file or directory' };
      texts.push(input);
      return refuses(input) ? { ok: false, reason: 'refused', text: 'Error: Could not process rule: No such file or directory' } : { ok: true, output: '' };
    },
  });
  return { programmer, texts };
}

test('slots of endpoints on living neighbours lead there, all others nowhere', async () => {
  const { programmer, texts } = setUp();
  assert.deepEqual(await programmer.program(wanted(port()), NEIGHBOURS, false), []);
  const [text = ''] = texts;
  const counts = ['10.0.0.2', '10.0.0.3'].map((address) => text.split(`: goto to-${address}`).length - 1);
  for (const count of counts) assert.ok(Math.abs(count - 1_021 / 3) < 30, String(counts));
  assert.match(text, /jhash ip saddr \. th sport mod 1021 seed 0x67617465 vmap @slots-tcp-192\.0\.2\.1-80-1021/);
  assert.match(text, /dup to 10\.0\.0\.2\n.* drop/);
});

test('the hash is that of the rule that translates, so that every node means the same slot', async () => {
  const { programmer, texts } = setUp();
  await programmer.program(wanted(port()), NEIGHBOURS, false);
  const hash = /jhash .* seed \S+/.exec(texts[0] ?? '')?.[0];
  const rules = planPort(port()).pieces.flatMap((piece) => (piece.type === 'chain' ? piece.rules : []));
  assert.ok(hash !== undefined && rules.some((rule) => rule.includes(hash)));
});

test('a neighbour more changes only what differs, and none leaves no table', async () => {
  const { programmer, texts } = setUp();
  await programmer.program(wanted(port()), { ...NEIGHBOURS, neighbours: new Map([['b', ['10.0.0.2']]]) }, false);
  await programmer.program(wanted(port()), NEIGHBOURS, false);
  assert.doesNotMatch(texts[1] ?? '', /table ip gatehouse \{|goto to-10\.0\.0\.2[,} ]/);
  assert.match(texts[1] ?? '', /add chain ip gatehouse to-10\.0\.0\.3/);
  await programmer.program(wanted(port()), { uplinks: [], neighbours: new Map() }, false);
  assert.equal(texts[2], ['ip', 'ip6'].map((family) => `add table ${family} gatehouse\ndelete table ${family} gatehouse\n`).join(''));
});

for (const [what, list, more] of [
  ['balance random', ENDPOINTS, { balance: 'random' }],
  ['affinity', ENDPOINTS, { affinityTimeoutMs: 10_000 }],
  ['externalTrafficPolicy Local', ENDPOINTS, { keepSource: true }],
  ['endpoints whose nodes are not known', endpoints('10.1.0.1:80'), {}],
] as const) {
  test(`nothing is handed over with ${what}, and nothing written`, async () => {
    const { programmer, texts } = setUp();
    assert.deepEqual(await programmer.program(wanted(port([...list], more)), NEIGHBOURS, true), []);
    assert.deepEqual(texts, []);
  });
}

test('what an earlier run has left stays until members are known, and goes where nothing needs it', async () => {
  const { programmer, texts } = setUp(() => false, 'table inet gatehouse\ntable ip gatehouse\n');
  await programmer.program(wanted(port()), { uplinks: [2], neighbours: null }, false);
  assert.deepEqual(texts, []);
  await programmer.program(new Map(), { uplinks: [2], neighbours: null }, false);
  assert.match(texts[0] ?? '', /delete table ip gatehouse/);
});

test('a table that somebody has taken away is written whole, and a kernel that cannot do it is a problem', async () => {
  let refusing = false;
  const { programmer, texts } = setUp((text) => refusing && !text.includes('table ip gatehouse {'));
  await programmer.program(wanted(port()), NEIGHBOURS, false);
  refusing = true;
  assert.deepEqual(await programmer.program(wanted(port()), NEIGHBOURS, true), []);
  assert.match(texts.at(-1) ?? '', /table ip gatehouse \{/);
  const [problem] = await setUp(() => true).programmer.program(wanted(port()), NEIGHBOURS, false);
  assert.match(problem ?? '', /nft_dup_ipv4/);
});

test('the source is kept where the endpoint is on this node, and for clients that come in by an uplink', () => {
  const { pieces } = planPort(port(), { self: 'a', uplinks: [2] });
  const elements = pieces.flatMap((piece) => (piece.type === 'element' && !piece.set.startsWith('slots') ? [`${piece.set} ${piece.key} ${piece.value ?? ''}`] : []));
  for (const expected of ['sources4-tcp 192.0.2.1 . 80 goto keep-own4', 'own-endpoints4 10.1.0.1 ', 'uplinks 2 ']) assert.ok(elements.includes(expected), expected);
  assert.equal(elements.filter((element) => element.startsWith('own-endpoints4')).length, 1);
});
