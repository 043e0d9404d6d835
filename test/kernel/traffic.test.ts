import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoints, forwarded, proxied } from '../../controller/announcer/kernel/testing/ports.ts';
import type { ForwardedPort, KernelEndpoint } from '../../controller/announcer/wanted.ts';
import { lacks, lacksRoot } from '../support/requirement.ts';
import { assertShare } from '../support/draw.ts';
import { until } from '../support/until.ts';
import { ENDPOINT_PORT, startKernelLab, type KernelLab, type Peer } from './kernelLab.ts';
import type { Ask, AskOutcome } from './peerCalls.ts';

const skip = lacks('nft') || lacks('ip') || lacks('ping') || lacks('conntrack') || lacksRoot();
const VIPS = { IPv4: '192.0.2.10', IPv6: '2001:db8:f::10' } as const;
const FAMILIES = ['IPv4', 'IPv6'] as const;
const PROTOCOLS = ['tcp', 'udp'] as const;
type Family = (typeof FAMILIES)[number];

/** What a network plugin has: chains of both hooks, and a rule that tracks connections. */
const OTHER_NAT = `table inet other {
  chain in { type nat hook prerouting priority -100; }
  chain out { type nat hook output priority -100; }
  chain post { type nat hook postrouting priority 100; ip saddr 203.0.113.0/24 masquerade; ip6 saddr 2001:db8:c::/64 masquerade; }
}
`;

function listOf(peers: readonly Peer[], family: Family): KernelEndpoint[] {
  return peers.map(({ addresses }) => ({ address: addresses[family], port: ENDPOINT_PORT, weight: 1 }));
}

function servers(outcomes: readonly AskOutcome[]): string[] {
  return outcomes.map((outcome) => ('server' in outcome ? outcome.server : outcome.error));
}

function clients(outcomes: readonly AskOutcome[]): string[] {
  return outcomes.map((outcome) => ('client' in outcome ? outcome.client : outcome.error));
}

function all(lab: KernelLab, more: Parameters<typeof forwarded>[3] = {}): ReturnType<typeof forwarded>[] {
  return FAMILIES.flatMap((family) => PROTOCOLS.map((protocol) => forwarded(VIPS[family], 80, listOf(lab.endpoints, family), { protocol, ...more })));
}

test('the kernel forwards ports of VIPs', { skip }, async (t) => {
  const lab = await startKernelLab(t);
  const { client, node } = lab;
  const [e1, e2, e3] = lab.endpoints as [Peer, Peer, Peer];
  const forwarder = await lab.forwarder();

  await t.test('to all endpoints, by chance, and hides the client', async () => {
    const report = await forwarder.apply(...all(lab));
    assert.deepEqual(report, { programmed: true, ports: 4, problems: [] });
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        const outcomes = await client.ask(VIPS[family], 80, { protocol, count: 60 });
        assert.deepEqual(new Set(servers(outcomes)), new Set(['e1', 'e2', 'e3']), `${family} ${protocol}`);
        for (const seen of clients(outcomes)) assert.notEqual(seen, client.addresses[family]);
      }
    }
  });

  await t.test('in proportion to weights', async () => {
    await forwarder.apply(forwarded(VIPS.IPv4, 80, endpoints(`${e1.addresses.IPv4}:8080*900`, `${e2.addresses.IPv4}:8080*300`)));
    const outcomes = servers(await client.ask(VIPS.IPv4, 80, { count: 800 }));
    assertShare(outcomes.filter((name) => name === 'e1').length, 800, 0.75);
    assertShare(outcomes.filter((name) => name === 'e2').length, 800, 0.25);
  });

  await t.test('with the client address kept where that is wanted, but for the node itself and for an endpoint that asks itself', async () => {
    await forwarder.apply(...FAMILIES.flatMap((family) => PROTOCOLS.map((protocol) =>
      forwarded(VIPS[family], 80, listOf([e1], family), { protocol, keepSource: true }))));
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        assert.deepEqual(clients(await client.ask(VIPS[family], 80, { protocol, count: 3, from: client.addresses[family] })), Array(3).fill(client.addresses[family]));
        assert.deepEqual(servers(await node.ask(VIPS[family], 80, { protocol })), ['e1'], `node ${family} ${protocol}`);
        assert.deepEqual(servers(await e1.ask(VIPS[family], 80, { protocol })), ['e1'], `hairpin ${family} ${protocol}`);
        assert.deepEqual(clients(await e2.ask(VIPS[family], 80, { protocol })), [e2.addresses[family]], `pod ${family} ${protocol}`);
      }
    }
  });

  await t.test('for clients of the node and its containers to their own endpoints, also where there are none for others', async () => {
    await forwarder.apply(...FAMILIES.flatMap((family) => PROTOCOLS.map((protocol) =>
      forwarded(VIPS[family], 80, [], { protocol, keepSource: true, ownEndpoints: listOf([e3], family) }))));
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        assert.deepEqual(servers(await node.ask(VIPS[family], 80, { protocol })), ['e3']);
        assert.deepEqual(servers(await e1.ask(VIPS[family], 80, { protocol })), ['e3']);
        assert.deepEqual(servers(await client.ask(VIPS[family], 80, { protocol })), ['ECONNREFUSED']);
      }
    }
  });

  await t.test('and refuses ports without endpoints, and those that nobody has', async () => {
    await forwarder.apply(...FAMILIES.flatMap((family) => PROTOCOLS.map((protocol) => forwarded(VIPS[family], 80, [], { protocol }))));
    for (const peer of [client, node, e1]) {
      for (const family of FAMILIES) {
        for (const protocol of PROTOCOLS) {
          for (const port of [80, 81]) assert.deepEqual(servers(await peer.ask(VIPS[family], port, { protocol })), ['ECONNREFUSED'], `${peer.namespace.name} ${family} ${protocol} ${port}`);
        }
      }
    }
  });

  await t.test('to clients of the source ranges only; others hear nothing, and the node is not asked', async () => {
    await forwarder.apply(...FAMILIES.flatMap((family) => PROTOCOLS.map((protocol) =>
      forwarded(VIPS[family], 80, listOf([e1], family), { protocol, sourceRanges: ['10.77.0.2/32', '10.77.0.2/31', 'fd77::2/128'] }))));
    for (const [family, others] of [['IPv4', '10.77.0.4'], ['IPv6', 'fd77::3']] as const) {
      if (family === 'IPv4') await client.namespace.exec('ip', ['address', 'add', '10.77.0.4/24', 'dev', 'eth0']);
      for (const protocol of PROTOCOLS) {
        assert.deepEqual(servers(await client.ask(VIPS[family], 80, { protocol, from: client.addresses[family] })), ['e1']);
        assert.deepEqual(servers(await client.ask(VIPS[family], 80, { protocol, from: others })), ['timeout']);
        assert.deepEqual(servers(await node.ask(VIPS[family], 80, { protocol })), ['e1']);
      }
    }
  });

  await t.test('and answers pings to VIPs, of the node too', async () => {
    for (const family of FAMILIES) {
      for (const peer of [client, node, e1]) {
        const { code, stdout } = await peer.namespace.run('ping', ['-n', '-c', '1', '-W', '2', VIPS[family]]);
        assert.equal(code, 0, `${family} ${stdout}`);
        assert.match(stdout, new RegExp(`from ${VIPS[family]}`));
      }
    }
  });

  await t.test('to the proxy, which sees the client', async () => {
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) await node.serve({ name: 'proxy', protocol, address: VIPS[family], port: 443, transparent: true });
    }
    const report = await forwarder.apply(...FAMILIES.flatMap((family) => PROTOCOLS.map((protocol) => proxied(VIPS[family], 443, protocol))));
    assert.deepEqual(report.problems, []);
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        for (const peer of [client, e1]) {
          const outcomes = await peer.ask(VIPS[family], 443, { protocol, count: 3, from: peer.addresses[family] });
          assert.deepEqual(servers(outcomes), Array(3).fill('proxy'), `${family} ${protocol}`);
          assert.deepEqual(clients(outcomes), Array(3).fill(peer.addresses[family]));
        }
        assert.deepEqual(servers(await node.ask(VIPS[family], 443, { protocol })), ['proxy'], `node ${family} ${protocol}`);
        assert.deepEqual(servers(await client.ask(VIPS[family], 444, { protocol })), ['ECONNREFUSED']);
      }
    }
    assert.doesNotMatch(await node.namespace.exec('conntrack', ['-L']), /dport=443 /);
  });
});

test('flows outlive changes', { skip }, async (t) => {
  const lab = await startKernelLab(t);
  const { client, node } = lab;
  const [e1, e2, e3] = lab.endpoints as [Peer, Peer, Peer];
  let forwarder = await lab.forwarder();
  const table = (): Promise<string> => node.namespace.exec('nft', ['list', 'tables']);

  await t.test('a TCP connection stays with its endpoint while others come and go, and after that one left the port', async () => {
    await forwarder.apply(forwarded(VIPS.IPv4, 80, listOf([e1], 'IPv4')));
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 80, { keep: 'open' })), ['e1']);
    for (const list of [[e1, e2], [e2], [e2, e3], []]) {
      await forwarder.apply(forwarded(VIPS.IPv4, 80, listOf(list, 'IPv4')));
      assert.deepEqual(servers(await client.ask(VIPS.IPv4, 80, { keep: 'open' })), ['e1']);
    }
    await forwarder.apply();
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 80, { keep: 'open' })), ['e1']);
  });

  await t.test('a UDP client moves at once when its endpoint leaves, and not before', async () => {
    for (const family of FAMILIES) {
      const apply = (...peers: Peer[]) => forwarder.apply(forwarded(VIPS[family], 53, listOf(peers, family), { protocol: 'udp' }));
      const asked = async (): Promise<string[]> => servers(await client.ask(VIPS[family], 53, { protocol: 'udp', keep: `udp ${family}` }));
      await apply(e1);
      assert.deepEqual(await asked(), ['e1']);
      await apply(e1, e2, e3);
      for (let times = 0; times < 5; times += 1) assert.deepEqual(await asked(), ['e1']);
      assert.deepEqual((await apply(e3)).problems, []);
      assert.deepEqual(await asked(), ['e3']);
    }
  });

  await t.test('a client with affinity keeps its endpoint while others change, and a while later', async () => {
    const apply = (...peers: Peer[]) => forwarder.apply(...FAMILIES.flatMap((family) => PROTOCOLS.map((protocol) =>
      forwarded(VIPS[family], 80, listOf(peers, family), { protocol, affinityTimeoutMs: 2_000 }))));
    await apply(e1, e2, e3);
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        await apply(e1, e2, e3);
        const [home = ''] = servers(await client.ask(VIPS[family], 80, { protocol }));
        const others = lab.endpoints.filter((_, index) => `e${index + 1}` !== home);
        const homePeer = lab.endpoints[Number(home.slice(1)) - 1] as Peer;
        for (const peers of [[e1, e2, e3], [homePeer], [homePeer, ...others]]) {
          await apply(...peers);
          assert.deepEqual(new Set(servers(await client.ask(VIPS[family], 80, { protocol, count: 10 }))), new Set([home]), `${family} ${protocol}`);
        }
        await apply(...others);
        assert.ok(!servers(await client.ask(VIPS[family], 80, { protocol, count: 5 })).includes(home));
      }
    }
    const seen = await node.namespace.exec('nft', ['list', 'table', 'inet', 'gatehouse']);
    assert.match(seen, /timeout 2s expires/);
  });

  await t.test('another run replaces the table of one that was killed: connections and affinity stay, what is wanted no longer goes', async () => {
    const affine = forwarded(VIPS.IPv4, 80, listOf([e1, e2, e3], 'IPv4'), { affinityTimeoutMs: 60_000 });
    await forwarder.apply(affine, forwarded(VIPS.IPv4, 81, listOf([e1], 'IPv4')), forwarded(VIPS.IPv4, 82, listOf([e1], 'IPv4')));
    const [home] = servers(await client.ask(VIPS.IPv4, 80));
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 81, { keep: 'over' })), ['e1']);
    await forwarder.kill();
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 81)), ['e1']);
    forwarder = await lab.forwarder();
    assert.deepEqual((await forwarder.apply(affine, forwarded(VIPS.IPv4, 81, listOf([e2], 'IPv4')))).problems, []);
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 81, { keep: 'over' })), ['e1']);
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 81)), ['e2']);
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 82)), ['ECONNREFUSED']);
    assert.deepEqual(new Set(servers(await client.ask(VIPS.IPv4, 80, { count: 20 }))), new Set([home]));
  });

  await t.test('a table that somebody has taken away is back at the next change, and without one as well', async () => {
    const ports = all(lab);
    await forwarder.apply(...ports);
    await node.namespace.exec('nft', ['flush', 'ruleset']);
    assert.deepEqual(await forwarder.apply(...ports, forwarded(VIPS.IPv4, 90, listOf([e1], 'IPv4'))), { programmed: true, ports: 5, problems: [] });
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 90)), ['e1']);
    await node.namespace.exec('nft', ['flush', 'ruleset']);
    await until('the table is back', async () => (await table()).includes('gatehouse'));
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 90)), ['e1']);
  });

  await t.test('stopping leaves all as it is, but for good: then nothing is left but open connections', async () => {
    await forwarder.apply(forwarded(VIPS.IPv4, 80, listOf([e1], 'IPv4')), proxied(VIPS.IPv6, 443));
    await client.ask(VIPS.IPv4, 80, { keep: 'last' });
    await forwarder.stop(false);
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 80)), ['e1']);
    forwarder = await lab.forwarder();
    await forwarder.apply(forwarded(VIPS.IPv4, 80, listOf([e1], 'IPv4')), proxied(VIPS.IPv6, 443));
    assert.match(await node.namespace.exec('ip', ['-6', 'rule']), /fwmark/);
    // As long as anybody translates addresses, which every network plugin does: else the kernel stops it for open connections, too.
    await node.namespace.exec('nft', ['-f', '-'], OTHER_NAT);
    await forwarder.stop(true);
    assert.equal(await table(), 'table inet other\n');
    for (const family of ['-4', '-6']) assert.doesNotMatch(await node.namespace.exec('ip', [family, 'rule']), /fwmark/);
    assert.equal((await node.namespace.run('ip', ['route', 'show', 'table', '1903'])).stdout, '');
    assert.deepEqual(servers(await client.ask(VIPS.IPv4, 80, { keep: 'last' })), ['e1']);
  });
});

test('ports of VIPs are ours, whatever kube-proxy has for them', { skip }, async (t) => {
  const lab = await startKernelLab(t);
  const [e1, e2] = lab.endpoints as [Peer, Peer, Peer];
  const forwarder = await lab.forwarder();
  // As kube-proxy's nftables mode has it, and at the priority of its iptables mode.
  const rules = FAMILIES.flatMap((family) => [80, 443, 500].map((port) =>
    `${family === 'IPv4' ? 'ip' : 'ip6'} daddr ${VIPS[family]} tcp dport ${port} dnat ${family === 'IPv4' ? `ip to ${e2.addresses.IPv4}` : `ip6 to [${e2.addresses.IPv6}]`}:8080`));
  for (const moment of ['before', 'after']) {
    if (moment === 'after') await forwarder.apply(...proxyAndKernel());
    await lab.node.namespace.exec('nft', ['-f', '-'], [
      'table inet kube-proxy\ndelete table inet kube-proxy\ntable inet kube-proxy {',
      ...['prerouting', 'output'].map((hook) => `chain nat-${hook} {\ntype nat hook ${hook} priority -100;\n${rules.join('\n')}\n}`),
      'chain nat-postrouting {\ntype nat hook postrouting priority 100;\nmasquerade\n}\n}\n',
    ].join('\n'));
    if (moment === 'before') await forwarder.apply(...proxyAndKernel());
    for (const family of FAMILIES) {
      if (moment === 'before') await lab.node.serve({ name: 'proxy', protocol: 'tcp', address: VIPS[family], port: 443, transparent: true });
      for (const peer of [lab.client, lab.node, e1]) {
        assert.deepEqual(servers(await peer.ask(VIPS[family], 80)), ['e1'], `${moment} ${family}`);
        assert.deepEqual(servers(await peer.ask(VIPS[family], 443)), ['proxy'], `${moment} ${family}`);
        // A port that only kube-proxy knows is left to it.
        assert.deepEqual(servers(await peer.ask(VIPS[family], 500)), ['e2'], `${moment} ${family}`);
      }
      assert.deepEqual(clients(await lab.client.ask(VIPS[family], 443, { from: lab.client.addresses[family] })), [lab.client.addresses[family]]);
    }
  }

  function proxyAndKernel(): ForwardedPort[] {
    return FAMILIES.flatMap((family) => [forwarded(VIPS[family], 80, listOf([e1], family)), proxied(VIPS[family], 443)]);
  }
});

test('with maglev balancing every node sends one flow to the same endpoint', { skip }, async (t) => {
  const labs = [await startKernelLab(t), await startKernelLab(t)];
  const choices = async (count: number, ask: Partial<Ask>, family: Family): Promise<string[][]> => Promise.all(labs.map(async (lab) => {
    const forwarder = await lab.forwarder();
    await forwarder.apply(forwarded(VIPS[family], 80, listOf(lab.endpoints.slice(0, count), family), { balance: 'maglev', protocol: 'udp' }));
    const found: string[] = [];
    for (let fromPort = 20_000; fromPort < 20_100; fromPort += 1) {
      found.push(...servers(await lab.client.ask(VIPS[family], 80, { protocol: 'udp', from: lab.client.addresses[family], fromPort, ...ask })));
    }
    await lab.node.namespace.run('conntrack', ['-F']);
    await forwarder.stop(true);
    return found;
  }));

  for (const family of FAMILIES) {
    await t.test(`over ${family}: by address and port, and fewer endpoints move few of the others' flows`, async () => {
      const [one = [], two = []] = await choices(3, {}, family);
      assert.deepEqual(one, two);
      assert.deepEqual(new Set(one), new Set(['e1', 'e2', 'e3']));
      const [fewer = []] = await choices(2, {}, family);
      const moved = one.filter((name, index) => name !== 'e3' && fewer[index] !== name).length;
      assert.ok(moved <= 5, `${moved} of 100 flows moved without need`);
    });
  }
});
