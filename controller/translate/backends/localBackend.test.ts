import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject } from '../../decode/decodeObject.ts';
import type { EndpointSlice } from '../../model/endpoints.ts';
import { localJudgeOf, type LocalRules } from './localBackend.ts';
import { NO_VIPS, type OwnVips } from './ownVips.ts';

const RULES: LocalRules = {
  allowLocalBackends: false,
  localAddresses: ['192.0.2.10', '2001:db8::10'],
  reserved: [{ protocol: 'admin', address: '0.0.0.0', port: 9090 }],
  ownVips: NO_VIPS,
};

/** As it would come from a source whose decoder lets everything pass: the judge trusts no decoder. */
function slice(addresses: readonly string[], port: number): EndpointSlice {
  const { object } = decodeObject({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ port }],
    endpoints: [],
  }, null);
  assert.ok(object?.kind === 'EndpointSlice');
  const endpoint = { ready: true, serving: null, terminating: null, nodeName: '', zone: '', hintZones: [], hintNodes: [] };
  return { ...object, endpoints: [{ ...endpoint, addresses }] };
}

function judge(address: string, port = 8080, rules: Partial<LocalRules> = {}): string | null {
  return localJudgeOf(slice([address], port), { ...RULES, ...rules })?.(address, port) ?? null;
}

test('addresses that lead to the own machine, its segment or a metadata service are no backends', () => {
  assert.equal(judge('127.0.0.1'), 'a loopback address');
  assert.equal(judge('::1'), 'a loopback address');
  assert.equal(judge('::ffff:127.0.0.1'), 'a loopback address');
  assert.equal(judge('169.254.169.254'), 'a link-local address');
  assert.equal(judge('fe80::1'), 'a link-local address');
  assert.equal(judge('0.0.0.0'), 'the unspecified address');
  assert.equal(judge('::'), 'the unspecified address');
  assert.equal(judge('224.0.0.1'), 'a multicast address');
  assert.equal(judge('255.255.255.255'), 'a broadcast address');
  assert.equal(judge('fd00:ec2::254'), 'the address of a metadata service');
  assert.equal(judge('FD00:EC2:0::254'), 'the address of a metadata service');
  assert.equal(judge('100.100.100.200'), 'the address of a metadata service');
});

test('others are, those of Pods on the host network of this very node among them', () => {
  for (const address of ['10.0.0.1', '192.0.2.10', '2001:db8::10', 'fd00::1']) assert.equal(judge(address), null);
});

test('the admin API of this node is no backend, however its address is written', () => {
  assert.equal(judge('192.0.2.10', 9090), 'the admin API of this very node');
  assert.equal(judge('2001:DB8:0::10', 9090), 'the admin API of this very node');
  assert.equal(judge('192.0.2.11', 9090), null, 'another node\'s');
  assert.equal(judge('192.0.2.10', 9091), null);
});

test('where the admin API listens on one address, the port is free on the others', () => {
  const reserved = [{ protocol: 'admin', address: '192.0.2.10', port: 9090 }] as const;
  const localAddresses = ['192.0.2.10', '192.0.2.12'];
  assert.equal(judge('192.0.2.10', 9090, { reserved, localAddresses }), 'the admin API of this very node');
  assert.equal(judge('192.0.2.12', 9090, { reserved, localAddresses }), null);
});

test('the HTTP and HTTPS listeners of this node are no backends: a request would come back for ever', () => {
  const reserved = [{ protocol: 'http', address: '0.0.0.0', port: 80 }, { protocol: 'https', address: '::', port: 443 }] as const;
  assert.equal(judge('192.0.2.10', 80, { reserved }), 'the HTTP listener of this very node');
  assert.equal(judge('2001:db8::10', 443, { reserved }), 'the HTTPS listener of this very node');
  assert.equal(judge('192.0.2.11', 80, { reserved }), null, 'another machine\'s');
});

test('the VIP of a Service at a port of the Service is no backend, whoever has it and however it is written', () => {
  const ownVips: OwnVips = {
    holders: new Map([['192.0.2.10', ['shop/web', 'shop/mail']], ['2001:db8::1', ['shop/web']]]),
    hasPort: (service, port) => port === (service === 'shop/web' ? 80 : 25),
  };
  assert.equal(judge('192.0.2.10', 80, { ownVips }), 'the VIP of Service shop/web, which leads back here,');
  assert.equal(judge('192.0.2.10', 25, { ownVips }), 'the VIP of Service shop/mail, which leads back here,');
  assert.equal(judge('2001:DB8:0::1', 80, { ownVips }), 'the VIP of Service shop/web, which leads back here,');
  assert.equal(judge('::ffff:192.0.2.10', 80, { ownVips }), 'the VIP of Service shop/web, which leads back here,');
  assert.equal(judge('192.0.2.10', 8080, { ownVips }), null, 'a port of the node that no Service has');
  assert.equal(judge('192.0.2.11', 80, { ownVips }), null);
});

test('where they are allowed nothing is judged', () => {
  assert.equal(localJudgeOf(slice(['127.0.0.1'], 9090), { ...RULES, allowLocalBackends: true }), null);
});
