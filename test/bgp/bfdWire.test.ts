import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BfdSettings } from '../../controller/announcer/bfd/bfdSettings.ts';
import type { BfdEndpoint } from '../../controller/announcer/bfd/bfdSpeaker.ts';
import { lacks, lacksRoot } from '../support/requirement.ts';
import { until } from '../support/until.ts';
import { FAR_NODE, FAR_ROUTER, NODE, ROUTER, startCable } from './bfdPeers.ts';
import { startBfdSpeaker } from './bfdSpeakerProcess.ts';
import { startForeground } from './lab/foreground.ts';

const SETTINGS: BfdSettings = { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' } };
const SINGLE: BfdEndpoint = { name: 'single', localAddress: NODE.IPv4, remoteAddress: ROUTER.IPv4, interface: 'eth0', vrf: null, settings: SETTINGS };
const MULTIHOP: BfdEndpoint = {
  ...SINGLE, name: 'multihop', localAddress: FAR_NODE.IPv4, remoteAddress: FAR_ROUTER.IPv4, interface: null,
  settings: { ...SETTINGS, hops: { type: 'multihop', minimumTtl: 250 } },
};
const skip = lacksRoot() || lacks('ip') || lacks('tcpdump');

test('each session sends from one port of its own, of 49152 and above, with TTL 255, to the port of its kind (RFC 5881 sections 4 and 5, RFC 5883)', { skip }, async (t) => {
  const cable = await startCable(t);
  const capture = startForeground(cable.router, 'tcpdump', ['-lnnvi', 'eth0', 'udp']);
  t.after(() => capture.end('SIGTERM'));
  await until('tcpdump listens', () => capture.said().includes('listening on eth0'));
  const speaker = await startBfdSpeaker(t, cable.node);
  await speaker.setSessions([SINGLE, MULTIHOP]);
  const seen = () => [...capture.said().matchAll(/ttl (\d+),[^\n]*\n\s+([\d.]+)\.(\d+) > ([\d.]+)\.(\d+):/g)].map(([, ttl, , source, to, port]) => ({ ttl, source, to, port }));
  const of = (remote: string) => seen().filter(({ to }) => to === remote);
  await until('three packets of each', () => of(ROUTER.IPv4).length >= 3 && of(FAR_ROUTER.IPv4).length >= 3);
  assert.ok(seen().every(({ ttl }) => ttl === '255'), capture.said());
  const ports = [ROUTER.IPv4, FAR_ROUTER.IPv4].map((remote) => new Set(of(remote).map(({ source }) => Number(source))));
  assert.deepEqual(ports.map(({ size }) => size), [1, 1]);
  assert.ok([...ports[0] ?? []].every((port) => port >= 49_152 && !(ports[1]?.has(port) ?? true)));
  assert.deepEqual([ROUTER.IPv4, FAR_ROUTER.IPv4].map((remote) => [...new Set(of(remote).map(({ port }) => port))]), [['3784'], ['4784']]);
});

test('sessions of a VRF and of none receive by the same port, whichever was there first', { skip }, async (t) => {
  const cable = await startCable(t);
  const speaker = await startBfdSpeaker(t, cable.node);
  // To the socket any device is as good as that of a VRF, for which not every kernel is built.
  const inVrf: BfdEndpoint = { ...SINGLE, name: 'vrf', vrf: 'eth0' };
  for (const endpoints of [[SINGLE, inVrf], [inVrf], [inVrf, SINGLE]]) await speaker.setSessions(endpoints);
  for (const { name } of [SINGLE, inVrf]) await speaker.untilReport(name, 'it speaks', ({ sent }) => sent > 0);
  const faults = speaker.events.filter((event) => event.type === 'log' && event.message.includes('cannot be used'));
  assert.deepEqual(faults, []);
});

const SEND = `
import socket, sys
source, to, ttl, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
family = socket.AF_INET6 if ':' in source else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM) as sender:
    sender.setsockopt(*((socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS) if ':' in source else (socket.IPPROTO_IP, socket.IP_TTL)), ttl)
    sender.bind((source, 0))
    for _ in range(count): sender.sendto(b'no BFD', (to, 3784))
`;

for (const family of ['IPv4', 'IPv6'] as const) {
  test(`what does not come from a peer by one hop never reaches the thread, and a new peer is heard at once (${family})`, { skip: skip || lacks('python3') }, async (t) => {
    const { node, router } = await startCable(t);
    const [first, second] = [ROUTER[family], family === 'IPv4' ? '10.97.0.3' : 'fd97::3'];
    await router.exec('ip', ['address', 'add', family === 'IPv4' ? `${second}/24` : `${second}/64`, 'dev', 'eth0', ...(family === 'IPv4' ? [] : ['nodad'])]);
    const send = (source: string, ttl: number, count: number) => router.exec('python3', ['-c', SEND, source, NODE[family], String(ttl), String(count)]);
    /** Datagrams that the kernel has kept from port 3784. */
    const kept = async () => {
      const table = await node.exec('cat', [family === 'IPv4' ? '/proc/net/udp' : '/proc/net/udp6']);
      return Number(/^.*:0EC8 .*?(\d+)\s*$/m.exec(table)?.[1]);
    };
    const session = (name: string, remoteAddress: string): BfdEndpoint => ({ ...SINGLE, name, localAddress: NODE[family], remoteAddress });
    const speaker = await startBfdSpeaker(t, node);
    await speaker.setSessions([session('first', first)]);
    await speaker.untilReport('first', 'it speaks', ({ sent }) => sent > 0);
    await send(second, 255, 100);
    await send(first, 254, 100);
    await send(first, 255, 7);
    const { dropped } = await speaker.untilReport('first', 'what came last has come', (report) => report.dropped >= 7);
    assert.deepEqual([dropped, await kept()], [7, 200]);
    await speaker.setSessions([session('first', first), session('second', second)]);
    await speaker.untilReport('second', 'it speaks', ({ sent }) => sent > 0);
    await send(second, 255, 5);
    await speaker.untilReport('second', 'it is heard', (report) => report.dropped === 5);
    assert.equal(await kept(), 200);
  });
}
