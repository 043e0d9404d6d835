import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ingress, service as httpService } from '../support/manifests.ts';
import { until } from '../support/until.ts';
import { ask, askOften, type Question } from './ask.ts';
import { BACKEND_PORT } from './backends.ts';
import { startCluster } from './cluster.ts';
import { allAlive } from './failover.ts';
import { lacksLab, type Lab } from './lab.ts';
import { podAddress } from './labAddresses.ts';
import { ECHO_PORTS, vipOf, type LabService } from './labObjects.ts';
import { iperf3Listens, IPERF3_SERVER, readIperf3 } from '../support/iperf3.ts';
import { endProcess } from './namespace.ts';
import { repliers } from './neighbours.ts';

const skip = lacksLab('curl', 'iperf3');
const IPERF_PORT = 5201;
const LEAST_MEGABITS = 1;

const echo: LabService = { name: 'echo', vip: 200 };
const local = (lab: Lab): LabService => ({ name: 'local', vip: 201, policy: 'Local', on: [lab.node(2)] });
const proxied: LabService = { name: 'proxied', vip: 202, annotations: { 'gatehouse.dev/forwarding': 'proxy' } };
const empty: LabService = { name: 'empty', vip: 203, on: [] };
/** `iperf3` serves one endpoint; the port of the second is proxied. */
const iperf = (lab: Lab, name: string, vip: number): LabService => ({
  name, vip, on: [lab.node(1)], ports: [{ name: 'iperf', protocol: 'TCP', port: IPERF_PORT, targetPort: IPERF_PORT }],
});
const gatehouse: LabService = {
  name: 'gatehouse', vip: 206, on: [],
  ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 80 }, { name: 'https', protocol: 'TCP', port: 443, targetPort: 443 }],
};

/** TCP and UDP of both addresses of a Service. */
function questionsTo(service: LabService): readonly Question[] {
  return Object.values(vipOf(service)).flatMap((address: string) =>
    ECHO_PORTS.map(({ protocol, port }) => ({ protocol: protocol === 'TCP' ? 'tcp' as const : 'udp' as const, address, port })));
}

/** What a node's endpoints may see of it when it forwards for a client: its address towards them. */
function addressesOfNodes(lab: Lab): readonly string[] {
  return lab.nodes.flatMap(({ number, addresses }) => [addresses, podAddress(number, 1)]).flatMap((each) => Object.values(each));
}

test('VIPs of three nodes', { skip }, async (t) => {
  const cluster = await startCluster(t, {
    objects: (lab) => ({
      services: [echo, local(lab), proxied, empty, iperf(lab, 'iperf', 204), { ...iperf(lab, 'iperf-proxied', 205), annotations: { 'gatehouse.dev/forwarding': 'proxy' } }, gatehouse],
      others: [
        ingress('web', 'web.test', [{ path: '/', service: 'web' }]),
        ...httpService('web', lab.nodes.map(({ podAddresses }) => ({ address: podAddresses[0]?.ipv4 ?? '', port: BACKEND_PORT.http }))),
      ],
    }),
    args: ['--publish-service', 'default/gatehouse'],
  });
  const { lab } = cluster;
  const families = ['ipv4', 'ipv6'] as const;

  await cluster.step('each is answered by one node, which is the same for whoever asks', async () => {
    const addresses = [echo, local(lab), proxied, gatehouse].flatMap((service) => Object.values(vipOf(service)));
    await allAlive(cluster);
    // Who has just been found by all may still be taking over: for a moment the one before it answers too.
    await Promise.all(addresses.map((address) => until(`router and client find the same owner of ${address}`, async () => {
      const { mac } = lab.node(await cluster.owner(address));
      const found = await repliers(lab.router, address);
      return found.length === 1 && found[0] === mac;
    })));
  });

  await cluster.step('of externalTrafficPolicy Local is answered by the node with endpoints, which see the client\'s address', async () => {
    for (const family of families) assert.equal(await cluster.owner(vipOf(local(lab))[family]), 2);
    for (const from of [lab.client, lab.far]) {
      const answers = (await ask(from, questionsTo(local(lab)))).map(({ answer }) => answer);
      for (const [index, answer] of answers.entries()) {
        assert.match(answer?.name ?? '', /^node-2\//);
        assert.equal(answer?.client, from.addresses[index < 2 ? 'ipv4' : 'ipv6']);
      }
    }
  });

  await cluster.step('of externalTrafficPolicy Cluster leads to the endpoints of all nodes, which see a node\'s address', async () => {
    for (const question of questionsTo(echo)) {
      const outcomes = await askOften(lab.client, question, 60);
      assert.deepEqual(new Set(outcomes.map(({ answer }) => answer?.name.slice(0, 6))), new Set(['node-1', 'node-2', 'node-3']), JSON.stringify(question));
      for (const { answer } of outcomes) assert.ok(addressesOfNodes(lab).includes(answer?.client ?? ''), JSON.stringify(answer));
    }
    for (const { answer } of await ask(lab.far, questionsTo(echo))) assert.ok(answer !== null);
  });

  await cluster.step('is reached from nodes and from endpoints too, also by an endpoint of its own', async (st) => {
    for (const from of [lab.node(1), lab.node(3), lab.node(2).pods]) {
      for (const service of [echo, proxied, local(lab)]) {
        const outcomes = await ask(from, questionsTo(service).flatMap((question) => [question, question, question]));
        const slowestMs = Math.max(...outcomes.map(({ tookMs }) => tookMs));
        st.diagnostic(`${from.name} to ${service.name}: ${outcomes.length} answers, slowest ${Math.round(slowestMs)} ms`);
        assert.deepEqual(outcomes.filter(({ answer }) => answer === null), [], `${from.name} to ${service.name}`);
      }
    }
  });

  await cluster.step('is carried by the proxy where its Service asks for that', async () => {
    for (const from of [lab.client, lab.far]) {
      const outcomes = await ask(from, questionsTo(proxied));
      assert.deepEqual(outcomes.map(({ error }) => error), [null, null, null, null], from.name);
    }
  });

  await cluster.step('of the publish Service serves HTTP and HTTPS to whoever asks, whose address backends are told', async () => {
    for (const from of [lab.client, lab.far, lab.node(3)]) {
      for (const family of families) {
        const vip = vipOf(gatehouse)[family];
        for (const [scheme, port] of [['http', 80], ['https', 443]] as const) {
          const address = family === 'ipv6' ? `[${vip}]` : vip;
          const body = await from.exec('curl', ['-sSk', '--max-time', '5', '--connect-to', `web.test:${port}:${address}:${port}`, `${scheme}://web.test/path`]);
          assert.match(body, /^node-\d\/1 .* GET \/path$/);
          if (from !== lab.node(3)) assert.equal(body.split(' ')[1], from.addresses[family]);
        }
      }
    }
  });

  await cluster.step('answers ping', async () => {
    for (const from of [lab.client, lab.far]) {
      for (const address of [echo, proxied].flatMap((service) => Object.values(vipOf(service)))) {
        assert.equal((await from.run('ping', ['-n', '-c', '3', '-i', '0.1', '-W', '2', address])).code, 0, `${from.name} to ${address}`);
      }
    }
  });

  await cluster.step('refuses ports without endpoints, and ports of no Service, at once', async () => {
    const unknown = questionsTo(echo).map((question) => ({ ...question, port: 9 }));
    for (const [what, questions] of [['no endpoints', questionsTo(empty)], ['no Service', unknown]] as const) {
      for (const { error, tookMs } of await ask(lab.client, questions)) {
        assert.equal(error, 'ECONNREFUSED', what);
        t.diagnostic(`${what}: refused after ${tookMs.toFixed(1)} ms`);
      }
    }
  });

  await cluster.step('carries bulk data both ways, through the kernel and through the proxy', async () => {
    const server = lab.node(1).pods.spawn('iperf3', IPERF3_SERVER);
    t.after(() => endProcess(server, 'SIGKILL'));
    await iperf3Listens(server);
    for (const [how, vip] of [['kernel', 204], ['proxy', 205]] as const) {
      for (const address of Object.values(vipOf({ name: how, vip }))) {
        for (const direction of [[], ['-R']]) {
          const text = await lab.client.exec('iperf3', ['-c', address, '-t', '1', '--json', ...direction]);
          const megabits = readIperf3(text).sum_received.bits_per_second / 1e6;
          t.diagnostic(`${how}, ${address}${direction.length > 0 ? ', back' : ''}: ${Math.round(megabits)} Mbit/s`);
          assert.ok(megabits > LEAST_MEGABITS);
        }
      }
    }
  });
});
