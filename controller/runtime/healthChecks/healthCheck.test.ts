import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { NO_BGP } from '../../announcer/bgp/bgpWanted.ts';
import type { L4Listener } from '../../../core/ir/l4.ts';
import { l4Key } from '../../../core/ir/l4.ts';
import type { ForwardedPort, ForwardTarget } from '../../announcer/wanted.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import { ObjectStore } from '../../model/store.ts';
import type { ServiceStatus } from '../../translate/translation.ts';
import { countLocalEndpoints, healthChecks, type HealthCheckInput } from './healthCheck.ts';

const ENDPOINTS: ForwardTarget = { type: 'endpoints', endpoints: [], ownEndpoints: [], keepSource: true, affinityTimeoutMs: null, balance: 'random' };
const WEB = { kind: 'Service', namespace: 'shop', name: 'web' } as const;

function objects(spec: object, endpoints: readonly object[] = [], more: object = {}): ObjectStore {
  const slice = { addressType: 'IPv4', ports: [{ name: '', port: 8080, protocol: 'TCP' }], endpoints, ...more };
  const raws = [
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' }, spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }], ...spec } },
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } }, ...slice },
  ];
  const store = new ObjectStore();
  for (const raw of raws) {
    const { object } = decodeObject(raw, null);
    assert.ok(object !== null);
    store.apply({ upserts: [object], deletes: [] });
  }
  return store;
}

function status(more: Partial<ServiceStatus> = {}): ServiceStatus {
  const ports = [{ port: 80, protocol: 'TCP', name: '', endpoints: 1 }] as const;
  return { ref: WEB, ours: true, addresses: ['192.0.2.1'], pool: 'lan', forwarding: 'kernel', reason: '', ports, ...more };
}

function forwarded(to: ForwardTarget): ReadonlyMap<ForwardedPort['key'], ForwardedPort> {
  const key = l4Key('tcp', '192.0.2.1', 80);
  return new Map([[key, { key, protocol: 'tcp', address: '192.0.2.1', port: 80, to, sourceRanges: null }]]);
}

function input(more: Partial<HealthCheckInput> = {}, to: ForwardTarget = ENDPOINTS): HealthCheckInput {
  return {
    objects: objects({ healthCheckNodePort: 31_000 }),
    services: [status()],
    announcer: { ports: forwarded(to), vips: new Map(), nodes: new Map(), bgp: NO_BGP },
    announced: { generation: 1, vips: [], members: [], kernel: { programmed: true, ports: 1, problems: [] }, interfaces: [] },
    listeners: [],
    snapshot: null,
    options: null,
    proxyServes: () => true,
    ...more,
  };
}

suite('countLocalEndpoints', () => {
  const count = (endpoints: readonly object[], more: object = {}): number => {
    const store = objects({}, endpoints, more);
    const service = store.get('Service', 'shop', 'web');
    assert.ok(service !== undefined);
    return countLocalEndpoints(service, { objects: store, nodeName: 'node-a' });
  };

  test('counts the ready addresses of this node', () => {
    const here = { nodeName: 'node-a', conditions: { ready: true } };
    const elsewhere = { addresses: ['10.0.0.9'], nodeName: 'node-b', conditions: { ready: true } };
    assert.equal(count([{ addresses: ['10.0.0.1'], ...here }, { addresses: ['10.0.0.2'], nodeName: 'node-a' }, elsewhere, { addresses: ['10.0.0.8'] }]), 2);
    assert.equal(count([{ addresses: ['10.0.0.1'], ...here }, { addresses: ['10.0.0.1'], ...here }]), 1, 'whatever their ports');
  });

  test('leaves out what is not ready, and what terminates even if it serves', () => {
    assert.equal(count([{ addresses: ['10.0.0.1'], nodeName: 'node-a', conditions: { ready: false } }]), 0);
    assert.equal(count([{ addresses: ['10.0.0.1'], nodeName: 'node-a', conditions: { ready: false, serving: true, terminating: true } }]), 0);
  });

  test('leaves out slices without ports, and names', () => {
    const endpoints = [{ addresses: ['10.0.0.1'], nodeName: 'node-a' }];
    assert.equal(count(endpoints, { ports: [] }), 0);
    assert.equal(count([{ addresses: ['web.example.com'], nodeName: 'node-a' }], { addressType: 'FQDN' }), 0);
  });
});

test('a Pod that has an address of each family counts once', () => {
  const store = objects({ healthCheckNodePort: 31_000 }, [{ addresses: ['10.0.0.1'], nodeName: 'node-a' }]);
  const { object } = decodeObject({
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'web-2', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv6', ports: [{ name: '', port: 8080, protocol: 'TCP' }], endpoints: [{ addresses: ['2001:db8::1'], nodeName: 'node-a' }],
  }, null);
  assert.ok(object !== null);
  store.apply({ upserts: [object], deletes: [] });
  assert.equal(healthChecks(input({ objects: store }), 'node-a').get(31_000)?.localEndpoints, 1);
});

suite('healthChecks', () => {
  const ports = (found: HealthCheckInput): readonly number[] => [...healthChecks(found, 'node-a').keys()];

  test('are of Services with a health check node port whose addresses the kernel takes in here', () => {
    assert.deepEqual(ports(input()), [31_000]);
    assert.deepEqual(ports(input({}, { type: 'proxy' })), [31_000]);
    assert.deepEqual(ports(input({ announcer: null })), []);
    assert.deepEqual(ports(input({ announcer: { ports: new Map(), vips: new Map(), nodes: new Map(), bgp: NO_BGP } })), []);
    assert.deepEqual(ports(input({ services: [status({ ours: false })] })), []);
    assert.deepEqual(ports(input({ services: [status({ addresses: [] })] })), []);
  });

  test('are none of Services without such a port, or whose traffic may go to any node', () => {
    assert.deepEqual(ports(input({ objects: objects({}) })), []);
    assert.deepEqual(ports(input({ objects: objects({ healthCheckNodePort: 31_000, externalTrafficPolicy: 'Cluster' }) })), []);
    assert.deepEqual(ports(input({ objects: objects({ healthCheckNodePort: 31_000, type: 'NodePort' }) })), []);
  });

  test('leave the ports alone that Gatehouse listens on itself', () => {
    assert.deepEqual(ports(input({ listeners: [{ protocol: 'http', address: '0.0.0.0', port: 31_000 }] })), []);
    const options = { reserved: [{ protocol: 'admin', address: '127.0.0.1', port: 31_000 }] } as unknown as HealthCheckInput['options'];
    assert.deepEqual(ports(input({ options })), []);
    const listener = { protocol: 'tcp', address: '192.0.2.9', port: 31_000 } as L4Listener;
    const snapshot = { l4Listeners: new Map([[listener.key, listener]]) } as unknown as HealthCheckInput['snapshot'];
    assert.deepEqual(ports(input({ snapshot })), []);
  });

  test('say that nothing is carried while the kernel is not as it should be, or while a proxy is needed and does not serve', () => {
    const carries = (found: HealthCheckInput): boolean | undefined => healthChecks(found, 'node-a').get(31_000)?.carries();
    const { announced } = input();
    assert.ok(announced !== null);
    assert.equal(carries(input({ proxyServes: () => false })), true);
    assert.equal(carries(input({ announced: null })), false);
    assert.equal(carries(input({ announced: { ...announced, kernel: { ...announced.kernel, programmed: false } } })), false);
    let serves = true;
    const check = healthChecks(input({ proxyServes: () => serves }, { type: 'proxy' }), 'node-a').get(31_000);
    assert.equal(check?.carries(), true);
    serves = false;
    assert.equal(check?.carries(), false, 'it is asked anew at each request');
  });

  test('count this proxy for the Service of the Ingresses', () => {
    const services = [status({ ports: [{ port: 80, protocol: 'TCP', name: 'http', endpoints: null }] })];
    assert.equal(healthChecks(input({ services }, { type: 'proxy' }), 'node-a').get(31_000)?.localEndpoints, 1);
    assert.equal(healthChecks(input(), 'node-a').get(31_000)?.localEndpoints, 0);
  });
});
