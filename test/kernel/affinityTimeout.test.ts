import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwarded } from '../../controller/announcer/kernel/testing/ports.ts';
import { lacks, lacksRoot } from '../support/requirement.ts';
import { until } from '../support/until.ts';
import { ENDPOINT_PORT, startKernelLab } from './kernelLab.ts';
import type { AskOutcome } from './peerCalls.ts';

const skip = lacks('nft') || lacks('ip') || lacksRoot();
const VIPS = { IPv4: '192.0.2.10', IPv6: '2001:db8:f::10' } as const;
const FAMILIES = ['IPv4', 'IPv6'] as const;
const PROTOCOLS = ['tcp', 'udp'] as const;
const TIMEOUT_MS = 1_000;
/** Clients; that all of them come to the same of three endpoints again by chance happens once in 10^10 times. */
const CLIENTS = 20;
const FIRST_HOST = 100;

function serverOf(outcome: AskOutcome | undefined): string {
  if (outcome === undefined) return 'nothing';
  return 'server' in outcome ? outcome.server : outcome.error;
}

test('a client keeps its endpoint while it comes again within the time of sessionAffinity, and is free after that', { skip }, async (t) => {
  const lab = await startKernelLab(t);
  const { client, node, endpoints } = lab;
  const forwarder = await lab.forwarder();
  const clientsOf = (family: (typeof FAMILIES)[number]): readonly string[] =>
    Array.from({ length: CLIENTS }, (_, index) => (family === 'IPv4' ? `10.77.0.${FIRST_HOST + index}` : `fd77::${FIRST_HOST + index}`));
  for (const address of clientsOf('IPv4')) await client.namespace.exec('ip', ['address', 'add', `${address}/24`, 'dev', 'eth0']);
  for (const address of clientsOf('IPv6')) await client.namespace.exec('ip', ['address', 'add', `${address}/64`, 'dev', 'eth0', 'nodad']);
  const report = await forwarder.apply(...FAMILIES.flatMap((family) => PROTOCOLS.map((protocol) => forwarded(
    VIPS[family], 80, endpoints.map(({ addresses }) => ({ address: addresses[family], port: ENDPOINT_PORT, weight: 1 })),
    { protocol, affinityTimeoutMs: TIMEOUT_MS },
  ))));
  assert.deepEqual(report.problems, []);
  const isRemembered = async (): Promise<boolean> => /\bexpires\b/.test(await node.namespace.exec('nft', ['list', 'table', 'inet', 'gatehouse']));

  /** Of every client over both protocols and families, in that order. */
  const homesOf = async (): Promise<readonly string[]> => {
    const asked = FAMILIES.flatMap((family) => PROTOCOLS.flatMap((protocol) =>
      clientsOf(family).map(async (from) => serverOf((await client.ask(VIPS[family], 80, { protocol, from }))[0]))));
    const homes = await Promise.all(asked);
    for (const home of homes) assert.match(home, /^e[123]$/);
    return homes;
  };

  await t.test('who comes again in time stays for longer than that time', async (st) => {
    let [sinceMs, lastMs, rounds] = [performance.now(), performance.now(), 0];
    let homes = await homesOf();
    while (performance.now() - sinceMs < 2 * TIMEOUT_MS) {
      const startedMs = performance.now();
      const again = await homesOf();
      // On a machine that stood still for so long, they may have been forgotten rightly.
      if (performance.now() - lastMs >= TIMEOUT_MS) [sinceMs, homes] = [startedMs, again];
      else assert.deepEqual(again, homes);
      lastMs = startedMs;
      rounds += 1;
    }
    st.diagnostic(`${rounds} rounds of ${homes.length} questions`);
  });

  await t.test('who stays away is forgotten, and chosen for anew, over each protocol and family', async () => {
    const homes = await homesOf();
    await until('the kernel remembers no client', async () => !await isRemembered());
    const anew = await homesOf();
    for (let first = 0; first < homes.length; first += CLIENTS) assert.notDeepEqual(anew.slice(first, first + CLIENTS), homes.slice(first, first + CLIENTS));
  });
});
