import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAs, decodeCase } from './decodeCase.ts';

const HEAD = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, labels: { kubernetes.io/service-name: web } }
`;
const LOST = 'the object is not taken; a last good form of it stays in use';

test('An EndpointSlice is decoded with conditions, places and ports', async () => {
  const { object, problems } = await decodeAs(
    'EndpointSlice',
    `${HEAD}addressType: IPv4
ports: [{ name: http, port: 8080 }, { name: any, port: null, protocol: UDP }]
endpoints:
- addresses: [10.0.0.1]
  conditions: { ready: false, serving: true, terminating: true }
  nodeName: node-1
  zone: a
  hints: { forZones: [{ name: a }, { name: b }], forNodes: [{ name: node-1 }] }
- addresses: [127.0.0.1, 10.0.0.2]
`,
  );
  assert.deepEqual(problems, []);
  assert.equal(object.service, 'web');
  assert.deepEqual(object.ports, [
    { name: 'http', port: 8080, protocol: 'TCP' },
    { name: 'any', port: null, protocol: 'UDP' },
  ]);
  assert.deepEqual(object.endpoints, [
    { addresses: ['10.0.0.1'], ready: false, serving: true, terminating: true, nodeName: 'node-1', zone: 'a', hintZones: ['a', 'b'], hintNodes: ['node-1'] },
    { addresses: ['127.0.0.1', '10.0.0.2'], ready: null, serving: null, terminating: null, nodeName: '', zone: '', hintZones: [], hintNodes: [] },
  ]);
});

test('The v1beta1 form is read with its topology, and a warning says what to write', async () => {
  const { object, problems } = await decodeAs(
    'EndpointSlice',
    `apiVersion: discovery.k8s.io/v1beta1
kind: EndpointSlice
metadata: { name: a }
addressType: IPv6
endpoints:
- addresses: ["fd00::1"]
  topology: { kubernetes.io/hostname: node-2, topology.kubernetes.io/zone: b }
`,
  );
  assert.deepEqual(problems.map((problem) => [problem.severity, problem.field]), [['warning', 'apiVersion']]);
  assert.deepEqual([object.endpoints[0]?.nodeName, object.endpoints[0]?.zone], ['node-2', 'b']);
  assert.equal(object.service, '');
});

test('A faulty hint costs only itself', async () => {
  const { object, faults } = await decodeAs(
    'EndpointSlice',
    `${HEAD}addressType: IPv4
endpoints:
- addresses: [10.0.0.1]
  hints: { forZones: [{ name: a }, {}, 5], forNodes: node-1 }
- addresses: [10.0.0.2]
  hints: 5
`,
  );
  assert.deepEqual(object.endpoints.map(({ hintZones, hintNodes }) => [hintZones, hintNodes]), [[['a'], []], [[], []]]);
  assert.deepEqual(faults, [
    '7 endpoints[0].hints.forZones[2]: the hint is left out',
    '7 endpoints[0].hints.forZones[1].name: the hint is left out',
    '7 endpoints[0].hints.forNodes: the hints are left out',
    '9 endpoints[1].hints: the hints are left out',
  ]);
});

const ADDRESSES: readonly (readonly [string, string])[] = [
  ['IPv4', '"fd00::1"'],
  ['IPv4', '10.0.0.256'],
  ['IPv4', '010.0.0.1'],
  ['IPv4', 'web.test'],
  ['IPv4', '0.0.0.0'],
  ['IPv4', '169.254.169.254'],
  ['IPv4', '224.0.0.1'],
  ['IPv4', '167772161'],
  ['IPv6', '10.0.0.1'],
  ['IPv6', '"::"'],
  ['IPv6', '"fe80::1"'],
  ['IPv6', '"fd00::1%eth0"'],
  ['IPv6', '"::ffff:169.254.169.254"'],
  ['FQDN', 'localhost'],
  ['FQDN', '"a b.test"'],
];
for (const [type, address] of ADDRESSES) {
  test(`The address ${address} is left out of a slice of type ${type}`, async () => {
    const good = { IPv4: '10.0.0.9', IPv6: '"fd00::9"', FQDN: 'web.example.com' }[type];
    const { object, faults } = await decodeAs(
      'EndpointSlice',
      `${HEAD}addressType: ${type}
endpoints:
- addresses:
  - ${good}
  - ${address}
- addresses: [${address}]
`,
    );
    assert.deepEqual(faults, [
      '8 endpoints[0].addresses[1]: the address is left out',
      '9 endpoints[1].addresses[0]: the address is left out',
    ]);
    assert.equal(object.endpoints.length, 1, 'an endpoint without an address is none');
  });
}

test('A faulty endpoint or port costs only itself', async () => {
  const { object, faults } = await decodeAs(
    'EndpointSlice',
    `${HEAD}addressType: IPv4
ports:
- { name: Bad, port: 1 }
- { name: a, port: 0 }
- { name: b, port: 8080 }
- { name: b, port: 8081 }
endpoints:
- {}
- { addresses: [] }
- { addresses: 10.0.0.1 }
- { addresses: [10.0.0.2], conditions: { ready: "true" } }
- { addresses: [10.0.0.3], nodeName: 5 }
- { addresses: [10.0.0.4] }
`,
  );
  assert.deepEqual(object.ports, [{ name: 'b', port: 8080, protocol: 'TCP' }]);
  assert.deepEqual(object.endpoints.map((endpoint) => endpoint.addresses), [['10.0.0.4']]);
  assert.deepEqual(faults, [
    '6 ports[0].name: the port is left out',
    '7 ports[1].port: the port is left out',
    '9 ports[3].name: the port is left out',
    '11 endpoints[0].addresses: the endpoint is left out',
    '12 endpoints[1].addresses: the endpoint is left out',
    '13 endpoints[2].addresses: the endpoint is left out',
    '14 endpoints[3].conditions.ready: the endpoint is left out',
    '15 endpoints[4].nodeName: the endpoint is left out',
  ]);
});

test('A missing or unknown address type costs the slice', async () => {
  for (const [text, line] of [['', 1], ['addressType: IP\n', 4], ['addressType: 4\n', 4]] as const) {
    const { object, faults } = await decodeCase(`${HEAD}${text}endpoints: [{ addresses: [10.0.0.1] }]\n`);
    assert.equal(object, null);
    assert.deepEqual(faults, [`${line} addressType: ${LOST}`]);
  }
});

test('Endpoints beyond the API bound are left out', async () => {
  const endpoints = Array.from({ length: 1001 }, (_, index) => `- addresses: [10.1.${index >> 8}.${index & 255}]`);
  const { object, faults } = await decodeAs(
    'EndpointSlice',
    `${HEAD}addressType: IPv4\nendpoints:\n${endpoints.join('\n')}\n`,
  );
  assert.equal(object.endpoints.length, 1000);
  assert.deepEqual(faults, ['5 endpoints: only the first 1000 are taken']);
});

test('Legacy Endpoints are decoded; faulty addresses and ports cost only themselves', async () => {
  const { object, faults } = await decodeAs(
    'Endpoints',
    `apiVersion: v1
kind: Endpoints
metadata: { name: web }
subsets:
- addresses:
  - { ip: 10.0.0.1 }
  - { ip: 10.0.0 }
  - { hostname: a }
  notReadyAddresses: [{ ip: 10.0.0.3 }]
  ports: [{ port: 80 }, { port: http }]
- 7
`,
  );
  assert.deepEqual(object.subsets, [
    {
      addresses: ['10.0.0.1'],
      notReadyAddresses: ['10.0.0.3'],
      ports: [{ name: '', port: 80, protocol: 'TCP' }],
    },
  ]);
  assert.deepEqual(faults, [
    '11 subsets[1]: the subset is left out',
    '7 subsets[0].addresses[1].ip: the address is left out',
    '8 subsets[0].addresses[2].ip: the address is left out',
    '10 subsets[0].ports[1].port: the port is left out',
  ]);
  const lost = await decodeCase('apiVersion: v1\nkind: Endpoints\nmetadata: { name: web }\nsubsets: {}\n');
  assert.equal(lost.object, null);
});
