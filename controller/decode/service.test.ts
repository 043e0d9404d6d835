import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAs, decodeCase } from './decodeCase.ts';

const HEAD = `apiVersion: v1
kind: Service
metadata: { name: web }
spec:
`;
const LOST = 'the object is not taken; a last good form of it stays in use';

test('A Service with all that is read of it is decoded without a problem', async () => {
  const { object, problems } = await decodeAs(
    'Service',
    `${HEAD}  type: LoadBalancer
  clusterIPs: [10.96.0.7, "fd00::7"]
  publishNotReadyAddresses: true
  ports:
  - { name: http, port: 80, targetPort: web, nodePort: 30080 }
  - { name: dns, port: 53, protocol: UDP, targetPort: 5353 }
  - { name: dns-tcp, port: 53 }
`,
  );
  assert.deepEqual(problems, []);
  assert.equal(object.type, 'LoadBalancer');
  assert.deepEqual(object.clusterIPs, ['10.96.0.7', 'fd00::7']);
  assert.equal(object.publishNotReadyAddresses, true);
  assert.deepEqual(object.ports, [
    { name: 'http', port: 80, protocol: 'TCP', targetPort: 'web', nodePort: 30_080 },
    { name: 'dns', port: 53, protocol: 'UDP', targetPort: 5353, nodePort: null },
    { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53, nodePort: null },
  ]);
});

test('A Service takes the defaults of the API', async () => {
  const port = '{ port: 80, name: "", targetPort: 0, nodePort: 0 }';
  const { object, problems } = await decodeAs('Service', `${HEAD}  ports: [${port}]\n`);
  assert.deepEqual(problems, []);
  assert.equal(object.type, 'ClusterIP');
  assert.deepEqual(object.clusterIPs, []);
  assert.deepEqual(object.ports, [{ name: '', port: 80, protocol: 'TCP', targetPort: 80, nodePort: null }]);
});

test('A headless Service has no addresses and needs no ports', async () => {
  const { object, problems } = await decodeAs('Service', `${HEAD}  clusterIP: None\n`);
  assert.deepEqual(problems, []);
  assert.deepEqual(object.clusterIPs, []);
});

test('An ExternalName Service keeps its name; without a good one it is lost', async () => {
  const good = await decodeAs('Service', `${HEAD}  type: ExternalName\n  externalName: api.example.com.\n`);
  assert.equal(good.object.externalName, 'api.example.com.');
  assert.deepEqual(good.problems, []);
  for (const name of ['', 'externalName: ""', 'externalName: a_b', 'externalName: "10.0.0.1:80"', 'externalName: 7']) {
    const { object, faults } = await decodeCase(`${HEAD}  type: ExternalName\n  ${name}\n`);
    assert.equal(object, null, name);
    assert.deepEqual(faults, [`${name === '' ? 4 : 6} spec.externalName: ${LOST}`], name);
  }
});

const PORT_FAULTS: readonly (readonly [string, string])[] = [
  ['{}', 'port'],
  ['{ port: 0 }', 'port'],
  ['{ port: 65536 }', 'port'],
  ['{ port: "80" }', 'port'],
  ['{ port: 80, name: Http }', 'name'],
  ['{ port: 80, protocol: tcp }', 'protocol'],
  ['{ port: 80, targetPort: "8080" }', 'targetPort'],
  ['{ port: 80, targetPort: 65536 }', 'targetPort'],
  ['{ port: 80, targetPort: [] }', 'targetPort'],
  ['{ port: 80, nodePort: -1 }', 'nodePort'],
];
for (const [port, field] of PORT_FAULTS) {
  test(`The port ${port} is left out and the Service stays`, async () => {
    const { object, faults } = await decodeAs('Service', `${HEAD}  ports:\n  - ${port}\n`);
    assert.deepEqual(faults, [`6 spec.ports[0].${field}: the port is left out`]);
    assert.deepEqual(object.ports, []);
  });
}

test('Repeated and unnamed ports among several are left out', async () => {
  const { object, faults } = await decodeAs(
    'Service',
    `${HEAD}  ports:
  - { name: a, port: 80 }
  - { name: a, port: 81 }
  - { name: b, port: 80 }
  - { port: 82 }
  - { name: c, port: 80, protocol: UDP }
  - 83
`,
  );
  assert.deepEqual(object.ports.map((port) => port.name), ['a', 'c']);
  assert.deepEqual(faults, [
    '11 spec.ports[5]: the port is left out',
    '7 spec.ports[1].name: the port is left out',
    '8 spec.ports[2].port: the port is left out',
    '9 spec.ports[3].name: the port is left out',
  ]);
});

test('Faults of the Service as a whole cost the object, others are reported', async () => {
  const lost: readonly (readonly [string, string])[] = [
    ['type: Loadbalancer', '5 spec.type'],
    ['type: 4', '5 spec.type'],
    ['ports: 80', '5 spec.ports'],
    ['publishNotReadyAddresses: "true"', '5 spec.publishNotReadyAddresses'],
    ['clusterIP: 10.0.0', '5 spec.clusterIP'],
  ];
  for (const [text, fault] of lost) {
    const { object, faults } = await decodeCase(`${HEAD}  ${text}\n`);
    assert.equal(object, null, text);
    assert.deepEqual(faults, [`${fault}: ${LOST}`], text);
  }
  const empty = await decodeAs('Service', `${HEAD}  clusterIPs: [none]\n`);
  assert.deepEqual(empty.faults, [
    '5 spec.clusterIPs[0]: the address is left out',
    '4 spec.ports: no Ingress can use it',
  ]);
});
