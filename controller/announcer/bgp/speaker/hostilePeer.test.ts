import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage } from '../codec/codec.ts';
import { PLAIN_CODEC, type Nlri } from '../codec/message.ts';
import { bgpWanted, startTestSpeaker, wantedPeer, wantedRoute } from './testing/speakerFacts.ts';
import { startTestRouter, type TestRouter } from './testing/testRouter.ts';

const GOOD = '127.0.0.41';
const HOSTILE = '127.0.0.42';

async function startBoth(t: Parameters<typeof startTestRouter>[0]) {
  const good = await startTestRouter(t, { asn: 64500, address: GOOD });
  const hostile = await startTestRouter(t, { asn: 64500, address: HOSTILE });
  const { speaker } = await startTestSpeaker(t);
  const at = (name: string, router: TestRouter, address: string) => wantedPeer(name, { port: router.port, remote: { type: 'address', address } });
  const peers = [at('net/good', good, GOOD), at('net/hostile', hostile, HOSTILE)];
  const want = (count: number): void => speaker.want(bgpWanted(peers, Array.from({ length: count }, (_, index) =>
    wantedRoute(`10.${index >>> 16}.${(index >>> 8) & 255}.${index & 255}`, ['net/good', 'net/hostile']))));
  want(1);
  await Promise.all([good, hostile].map((router) => router.until(() => router.routes.size === 1)));
  return { good, hostile, speaker, want };
}

/** UPDATEs with `count` prefixes, none of them the same. */
function manyPrefixes(count: number): Buffer {
  const updates: Uint8Array[] = [];
  const perUpdate = 500;
  for (let first = 0; first < count; first += perUpdate) {
    const announced = Array.from({ length: perUpdate }, (_, index): Nlri => {
      const number = first + index;
      return { pathId: null, prefix: `${20 + (number >>> 16)}.${(number >>> 8) & 255}.${number & 255}.0/24` };
    });
    updates.push(encodeMessage({
      type: 'update', family: 'ipv4', withdrawn: [], announced,
      attributes: {
        origin: 'igp', asPath: [64500], nextHop: HOSTILE, linkLocalNextHop: null, med: null, localPref: null, communities: [], largeCommunities: [],
        linkBandwidth: null, onlyToCustomer: null,
      },
    }, { ...PLAIN_CODEC, fourOctetAsn: true }));
  }
  return Buffer.concat(updates);
}

test('a peer that sends without end is read slowly: others get their routes meanwhile, and no memory is taken', async (t) => {
  const { good, hostile, speaker, want } = await startBoth(t);
  const flood = Buffer.concat(Array.from({ length: 4_096 }, () => encodeMessage({ type: 'keepalive' }, PLAIN_CODEC)));
  const before = process.memoryUsage().arrayBuffers;
  let isFlooding = true;
  const pour = (): void => {
    if (!isFlooding) return;
    while (hostile.write(flood)) { /* as much as the kernel takes */ }
    setTimeout(pour, 1);
  };
  pour();
  for (let count = 2; count <= 20; count += 1) {
    want(count);
    await good.until(() => good.routes.size === count);
  }
  isFlooding = false;
  const report = speaker.report().peers.map(({ name, state, established }) => [name, state, established]);
  assert.deepEqual(report, [['net/good', 'Established', 1], ['net/hostile', 'Established', 1]]);
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024);
});

test('a great many prefixes are counted and dropped', async (t) => {
  const { good, hostile, speaker, want } = await startBoth(t);
  hostile.write(manyPrefixes(100_000));
  want(2);
  await good.until(() => good.routes.size === 2);
  const received = (): number => speaker.report().peers.find(({ name }) => name === 'net/hostile')?.prefixesReceived ?? 0;
  while (received() < 100_000) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(received(), 100_000);
});

test('a peer that reads nothing keeps what is not sent from piling up, and others get theirs', async (t) => {
  const { good, hostile, speaker, want } = await startBoth(t);
  hostile.pause();
  want(60_000);
  await good.until(() => good.routes.size === 60_000);
  const [, stuck] = speaker.report().peers;
  assert.equal(stuck?.state, 'Established');
  want(1);
  await good.until(() => good.routes.size === 1);
});

test('garbage ends that session alone, with the NOTIFICATION it asks for, and it is tried again', async (t) => {
  const { good, hostile, speaker } = await startBoth(t);
  hostile.write(Buffer.alloc(19));
  await hostile.until(() => hostile.notifications.length === 1);
  assert.equal(hostile.notifications[0]?.code, 1, 'Message Header Error');
  await hostile.until(() => hostile.sessions() === 2 && hostile.routes.size === 1);
  assert.equal(good.sessions(), 1);
  assert.match(speaker.report().peers.find(({ name }) => name === 'net/hostile')?.lastError?.text ?? '', /\S/);
});
