import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_BGP_REPORT } from '../announcer/bgp/bgpReport.ts';
import { routeReport, vipReport } from '../announcer/bgp/testing/bgpReports.ts';
import type { ServiceStatus } from '../translate/translation.ts';
import { ObjectStore } from '../model/store.ts';
import type { Metadata } from '../model/objectBase.ts';
import type { KubeObject } from '../model/objects.ts';
import { buildStatus, ingressAddresses, type StatusInput } from './buildStatus.ts';
import { decodeExplanation } from './decodeExplanation.ts';
import { decodeStatus } from './decodeStatus.ts';
import { printExplanation } from './printExplanation.ts';
import { printStatus } from './printStatus.ts';
import { printTable } from './table.ts';

function metadata(namespace: string, name: string): Metadata {
  return { namespace, name, labels: new Map(), annotations: new Map(), createdAtMs: null, uid: '', resourceVersion: '' };
}

function node(name: string, ...internalIPs: readonly string[]): KubeObject {
  return { kind: 'Node', metadata: metadata('', name), origin: null, internalIPs, unschedulable: false, conditions: new Map() };
}

function service(name: string, changes: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    ref: { kind: 'Service', namespace: 'shop', name },
    ours: true,
    addresses: ['127.77.0.1'],
    pool: 'lan',
    forwarding: 'proxy',
    reason: '127.77.0.1 is bound by the proxy on this machine',
    ports: [{ name: 'web', port: 7000, protocol: 'TCP', endpoints: 2 }],
    ...changes,
  };
}

const PENDING: Partial<ServiceStatus> = { addresses: [], pool: null, forwarding: 'none', reason: 'no address: the pool is empty' };

function input(objects: readonly KubeObject[], changes: Partial<StatusInput> = {}): StatusInput {
  const store = new ObjectStore();
  store.apply({ upserts: objects, deletes: [] });
  return {
    version: '1.2.3',
    ready: true,
    generation: 3,
    appliedGeneration: 3,
    listeners: [{ protocol: 'http', address: '0.0.0.0', port: 80 }],
    nodeName: 'one',
    machineAddresses: ['192.0.2.7', '2001:db8::7'],
    objects: store,
    ingresses: [],
    services: [],
    publishService: null,
    fixed: [],
    ownService: null,
    waitingFor: [],
    leader: null,
    announcer: null,
    bgp: NO_BGP_REPORT,
    problems: [],
    ...changes,
  };
}

test('without a Node object of its name this machine stands for itself', () => {
  const status = buildStatus(input([node('two', '192.0.2.2')]));
  assert.deepEqual(status.nodes, [
    { name: 'one', addresses: ['192.0.2.7', '2001:db8::7'], self: true },
    { name: 'two', addresses: ['192.0.2.2'], self: false },
  ]);
});

test('the Node object of its name tells its addresses', () => {
  assert.deepEqual(buildStatus(input([node('one', '192.0.2.1')])).nodes, [{ name: 'one', addresses: ['192.0.2.1'], self: true }]);
});

test('an Ingress is reached at what is listened on; a wildcard stands for the addresses of the node', () => {
  const node = ['192.0.2.7', '2001:db8::7'];
  const listeners = (...addresses: readonly string[]) => addresses.map((address) => ({ protocol: 'http' as const, address, port: 80 }));
  assert.deepEqual(ingressAddresses(listeners('127.0.0.1', '127.0.0.1'), node), ['127.0.0.1']);
  assert.deepEqual(ingressAddresses(listeners('0.0.0.0'), node), ['192.0.2.7']);
  assert.deepEqual(ingressAddresses(listeners('0.0.0.0', '::'), node), ['192.0.2.7', '2001:db8::7']);
});

test('lists are sorted by namespace and name', () => {
  const status = (namespace: string, name: string) => ({ ref: { kind: 'Ingress', namespace, name }, class: '', hosts: [], tlsHosts: [] });
  const built = buildStatus(
    input([], {
      services: [service('z'), service('a')],
      ingresses: [status('b', 'a'), status('a', 'z'), status('a', 'B')],
    }),
  );
  assert.deepEqual(built.services.map(({ name }) => name), ['a', 'z']);
  assert.deepEqual(built.ingresses.map(({ namespace, name }) => `${namespace}/${name}`), ['a/B', 'a/z', 'b/a']);
});

test('a status survives JSON, and what is none is refused', () => {
  const status = buildStatus(input([node('one', '192.0.2.1')], {
    services: [service('a'), service('b', { ports: [{ name: '', port: 80, protocol: 'TCP', endpoints: null }] })],
    problems: [{ severity: 'error', object: null, position: { file: 'a', line: 1 }, field: '', rule: 'r', value: '', effect: 'e' }],
  }));
  assert.deepEqual(decodeStatus(JSON.parse(JSON.stringify(status))), status);
  for (const other of [null, 1, [], {}, { ...status, ingresses: [{}] }, { ...status, generation: '3' }]) assert.equal(decodeStatus(other), null);
});

test('a status prints as tables in the manner of kubectl', () => {
  const status = buildStatus(input([], {
    services: [service('orders'), service('lb', PENDING)],
    appliedGeneration: 2,
    ingresses: [
      { ref: { kind: 'Ingress', namespace: 'shop', name: 'web' }, class: '', hosts: ['shop.test', 'www.shop.test'], tlsHosts: ['shop.test'] },
    ],
    problems: [
      {
        severity: 'warning',
        object: { kind: 'Ingress', namespace: 'shop', name: 'web' },
        position: { file: 'web.yaml', line: 7 },
        field: 'spec.tls[0]',
        rule: 'must exist',
        value: '"x"',
        effect: 'the default certificate is used',
      },
    ],
  }));
  assert.equal(printStatus(status), `Gatehouse 1.2.3: ready, generation 3 (workers still serve 2)

LISTENERS
PROTOCOL   ADDRESS
http       0.0.0.0:80

INGRESSES
NAMESPACE   NAME   CLASS    HOSTS                     TLS         ADDRESS
shop        web    <none>   shop.test,www.shop.test   shop.test   192.0.2.7

SERVICES of type LoadBalancer
NAMESPACE   NAME     EXTERNAL-IP   POOL     FORWARDING   OWNER    PORT(S)    ENDPOINTS
shop        lb       <pending>     <none>   none         <none>   7000/TCP   2
shop        orders   127.77.0.1    lan      proxy        one      7000/TCP   2
  shop/lb: no address: the pool is empty
  shop/orders: 127.77.0.1 is bound by the proxy on this machine

NODES
NAME             ADDRESS
one (this one)   192.0.2.7,2001:db8::7

PROBLEMS
web.yaml:7: warning: Ingress shop/web: spec.tls[0]: must exist (got "x"); the default certificate is used
`);
});

test('a Service has the BGP peers that hear of it, and says why none does, also where an aggregate is announced for another', () => {
  const obstacle = 'its Service has no ready endpoint';
  const view = (bgp: Partial<StatusInput['bgp']>) =>
    buildStatus(input([], { services: [service('web', { addresses: ['192.0.2.1'], reason: 'in the kernel' })], bgp: { ...NO_BGP_REPORT, ...bgp } })).services[0];
  const seen = (...routes: StatusInput['bgp']['routes']) => [view({ routes })?.peers, view({ routes })?.reason];
  assert.deepEqual(seen(routeReport()), [['edge/tor'], 'in the kernel; 192.0.2.1/32 is announced to 1 BGP peer']);
  const idle = vipReport('192.0.2.1', { obstacle });
  assert.deepEqual(seen(routeReport({ vips: [idle], state: 'withdrawn', reason: obstacle, paths: [] })), [[], `in the kernel; 192.0.2.1/32 is not announced by BGP: ${obstacle}`]);
  const aggregate = { prefix: '192.0.2.0/24', vips: [idle, vipReport('192.0.2.9')] };
  assert.deepEqual(seen(routeReport(aggregate)), [[], `in the kernel; 192.0.2.0/24 is announced to 1 BGP peer, not for 192.0.2.1: ${obstacle}`]);
});

test('a reason that is a problem of the same Service is told once', () => {
  const problem = (name: string, field: string, rule: string, value = ''): StatusInput['problems'][number] =>
    ({ severity: 'error', object: { kind: 'Service', namespace: 'shop', name }, position: null, field, rule, value, effect: 'it waits' });
  const refusal = 'this container has not the capabilities NET_ADMIN: add them; or run as root';
  const printed = printStatus(buildStatus(input([], {
    services: [
      service('waits', { ...PENDING, reason: 'no address: spec.loadBalancerIP must lie in a pool' }),
      service('other', { ...PENDING, reason: 'no address: spec.loadBalancerIP must lie in a pool of another kind' }),
      service('refused', { forwarding: 'none', reason: `192.0.2.1 is not taken in: ${refusal}; 192.0.2.2 is not taken in: ${refusal}` }),
    ],
    problems: [
      problem('waits', 'spec.loadBalancerIP', 'must lie in a pool', '"10.0.0.1"'),
      problem('another', 'spec.loadBalancerIP', 'must lie in a pool of another kind'),
      problem('refused', '', `cannot be taken in by the kernel here: ${refusal}`, '192.0.2.1,192.0.2.2'),
    ],
  })));
  const reasons = printed.split('\n').filter((line) => line.startsWith('  shop/'));
  assert.deepEqual(reasons, [
    '  shop/other: no address: spec.loadBalancerIP must lie in a pool of another kind',
    '  shop/refused: 192.0.2.1 is not taken in (see PROBLEMS); 192.0.2.2 is not taken in (see PROBLEMS)',
    '  shop/waits: no address (see PROBLEMS)',
  ]);
  assert.equal(printed.split(refusal).length, 2, 'it is told in full, once');
});

test('Ingresses are reached at the addresses of the publish Service, and at none while it waits for one or is gone', () => {
  const ingress = { ref: { kind: 'Ingress', namespace: 'shop', name: 'web' }, class: '', hosts: [], tlsHosts: [] };
  const addresses = (...services: readonly ServiceStatus[]) =>
    buildStatus(input([], { ingresses: [ingress], services, publishService: 'shop/front' })).ingresses[0]?.addresses;
  assert.deepEqual(addresses(service('other'), service('front')), ['127.77.0.1']);
  assert.deepEqual(addresses(service('front', PENDING)), []);
  assert.deepEqual(addresses(), []);
});

test('names cannot move the cursor of the terminal they are printed on', () => {
  assert.equal(printTable(['name'], [['a\u001b[2J\u202eb\n']]), 'NAME\na\\u001b[2J\\u202eb\\u000a\n');
});

test('an explanation prints its outcome and then its steps', () => {
  const explanation = {
    steps: [
      { step: 'host', text: 'shop.test equals shop.test' },
      { step: 'endpoint', text: 'round robin' },
    ],
    ingress: { kind: 'Ingress', namespace: 'shop', name: 'web' },
    field: 'spec.rules[0].http.paths[0]',
    cluster: 'shop/web:80',
    endpoint: '192.0.2.9:80',
    status: null,
  };
  const decoded = decodeExplanation(JSON.parse(JSON.stringify(explanation)));
  assert.deepEqual(decoded, explanation);
  assert.equal(decoded === null ? '' : printExplanation(decoded), `Ingress:  Ingress shop/web
Rule:     spec.rules[0].http.paths[0]
Cluster:  shop/web:80
Endpoint: 192.0.2.9:80
Answer:   the backend's

  1. host       shop.test equals shop.test
  2. endpoint   round robin
`);
});
