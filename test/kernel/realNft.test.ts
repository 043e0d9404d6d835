import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNft, type Nft } from '../../controller/announcer/kernel/nft.ts';
import { createHandoverProgrammer } from '../../controller/announcer/kernel/handoverProgrammer.ts';
import { createTableProgrammer } from '../../controller/announcer/kernel/tableProgrammer.ts';
import { seededRandom } from '../../core/testing/seededRandom.ts';
import { nextNeighbourhood, nextWanted } from '../../controller/announcer/kernel/testing/ports.ts';
import type { ForwardedPort } from '../../controller/announcer/wanted.ts';
import type { L4Key } from '../../core/ir/l4.ts';
import { addNamespace, removeNamespace } from '../netns/namespace.ts';
import { lacks, lacksRoot } from '../support/requirement.ts';

const SEED = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 2 ** 31);
const skip = lacks('nft') || lacks('ip') || lacksRoot();
const OPTIONS = { mark: 0x10000, containerInterfaces: ['veth*', 'cali*'] };

/** What the kernel has, without what differs for the same content: handles, order, names of tables as a whole. */
function essence(json: string): unknown {
  const { nftables } = JSON.parse(json) as { nftables: Record<string, Record<string, unknown>>[] };
  const lines = nftables.map((item) => {
    for (const value of Object.values(item)) {
      delete value['handle'];
      if (Array.isArray(value['elem'])) value['elem'] = value['elem'].map((element) => JSON.stringify(element)).toSorted();
    }
    return JSON.stringify(item).replaceAll(/whole-[0-9a-f]{12}/g, 'whole');
  });
  // Rules count in their order within a chain, which a stable sort by chain keeps.
  const chainOf = (line: string): string => /"chain":"([^"]*)"/.exec(line)?.[1] ?? line;
  return lines.toSorted((a, b) => (chainOf(a) < chainOf(b) ? -1 : chainOf(a) > chainOf(b) ? 1 : 0));
}

async function readTable(nft: Nft, family = 'inet'): Promise<unknown> {
  const listed = await nft.run(['-j', 'list', 'table', family, 'gatehouse'], '');
  // Where nothing is handed over, there is no table.
  if (!listed.ok && family !== 'inet' && listed.text.includes('No such file or directory')) return null;
  assert.ok(listed.ok);
  return essence(listed.output);
}

test(`the kernel has the same after differences as after a whole load (GATEHOUSE_SEED=${SEED})`, { skip }, async (t) => {
  t.diagnostic(`GATEHOUSE_SEED=${SEED}`);
  const namespaces = await Promise.all(['diff', 'whole'].map((name) => addNamespace(`gk${process.pid}-${name}`)));
  t.after(async () => { for (const namespace of namespaces) await removeNamespace(namespace); });
  const [one, two] = namespaces.map(({ name }) => createNft({ command: ['ip', 'netns', 'exec', name, 'nft'] }));
  assert.ok(one !== undefined && two !== undefined);
  const programmer = createTableProgrammer(one, OPTIONS);
  const random = seededRandom(SEED);
  let ports: ReadonlyMap<L4Key, ForwardedPort> = new Map();
  for (let step = 0; step < 60; step += 1) {
    ports = nextWanted(ports, random);
    const outcome = await programmer.program(ports);
    assert.ok(outcome.ok, `step ${step}`);
    assert.equal(outcome.refused, null, `step ${step}`);
    if (step % 10 !== 9) continue;
    assert.ok((await createTableProgrammer(two, OPTIONS).program(ports)).ok);
    assert.deepEqual(await readTable(one), await readTable(two), `step ${step}`);
  }
});

test(`the same goes for what is handed over to other nodes (GATEHOUSE_SEED=${SEED})`, { skip }, async (t) => {
  t.diagnostic(`GATEHOUSE_SEED=${SEED}`);
  const namespaces = await Promise.all(['hand', 'anew'].map((name) => addNamespace(`gk${process.pid}-${name}`)));
  t.after(async () => { for (const namespace of namespaces) await removeNamespace(namespace); });
  const [one, two] = namespaces.map(({ name }) => createNft({ command: ['ip', 'netns', 'exec', name, 'nft'] }));
  assert.ok(one !== undefined && two !== undefined);
  const programmer = createHandoverProgrammer(one);
  const random = seededRandom(SEED);
  let ports: ReadonlyMap<L4Key, ForwardedPort> = new Map();
  let neighbourhood = nextNeighbourhood(random);
  for (let step = 0; step < 40; step += 1) {
    ports = nextWanted(ports, random);
    const maglev = new Map([...ports].map(([key, port]) => [key, asMaglev(port)]));
    if (random() < 0.3) neighbourhood = nextNeighbourhood(random);
    assert.deepEqual(await programmer.program(maglev, neighbourhood, step % 7 === 6), [], `step ${step}`);
    if (step % 8 !== 7) continue;
    assert.deepEqual(await createHandoverProgrammer(two).program(maglev, neighbourhood, false), []);
    for (const family of ['ip', 'ip6']) assert.deepEqual(await readTable(one, family), await readTable(two, family), `step ${step}`);
  }
});

function asMaglev(port: ForwardedPort): ForwardedPort {
  return port.to.type === 'proxy' ? port : { ...port, to: { ...port.to, balance: 'maglev', keepSource: false, affinityTimeoutMs: null } };
}
