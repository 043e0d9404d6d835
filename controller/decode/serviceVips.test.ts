import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAs, decodeCase } from './decodeCase.ts';

const HEAD = `apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  ports: [{ port: 80 }]
`;
const LOST = 'the object is not taken; a last good form of it stays in use';

test('What a Service says about its addresses is decoded', async () => {
  const { object, problems } = await decodeAs(
    'Service',
    `${HEAD}  type: LoadBalancer
  selector: { app: web }
  loadBalancerIP: 192.0.2.7
  loadBalancerClass: gatehouse.dev/lb
  loadBalancerSourceRanges: [10.0.0.0/8, "2001:db8::/32 "]
  externalTrafficPolicy: Local
  healthCheckNodePort: 31999
  sessionAffinity: ClientIP
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } }
  ipFamilies: [IPv6, IPv4]
  ipFamilyPolicy: RequireDualStack
  trafficDistribution: PreferSameZone
status:
  loadBalancer:
    ingress: [{ ip: 192.0.2.7, ipMode: VIP, ports: [{ port: 80, protocol: TCP }] }, { ip: "2001:db8::7" }, { hostname: lb.example.com }]
  conditions: [{ type: Assigned, status: "True", reason: IPAllocated, message: given, observedGeneration: 3 }]
`,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual([...object.selector], [['app', 'web']]);
  assert.equal(object.loadBalancerIP, '192.0.2.7');
  assert.equal(object.loadBalancerClass, 'gatehouse.dev/lb');
  assert.deepEqual(object.loadBalancerSourceRanges, ['10.0.0.0/8', '2001:db8::/32']);
  assert.deepEqual([object.externalTrafficPolicy, object.healthCheckNodePort], ['Local', 31_999]);
  assert.deepEqual([object.sessionAffinity, object.sessionAffinityTimeoutSeconds], ['ClientIP', 60]);
  assert.deepEqual(object.ipFamilies, ['IPv6', 'IPv4']);
  assert.equal(object.ipFamilyPolicy, 'RequireDualStack');
  assert.equal(object.trafficDistribution, 'PreferSameZone');
  assert.deepEqual(object.statusAddresses, ['192.0.2.7', '2001:db8::7']);
  assert.deepEqual(object.statusLoadBalancer, [
    { ip: '192.0.2.7', hostname: '', ipMode: 'VIP', ports: [{ port: 80, protocol: 'TCP' }] },
    { ip: '2001:db8::7', hostname: '', ipMode: null, ports: [] },
    { ip: '', hostname: 'lb.example.com', ipMode: null, ports: [] },
  ]);
  assert.deepEqual(object.statusConditions, [{ type: 'Assigned', status: 'True', reason: 'IPAllocated', message: 'given' }]);
});

test('A Service that says nothing about its addresses has the defaults of the API', async () => {
  const { object, problems } = await decodeAs('Service', `${HEAD}  type: LoadBalancer\nstatus: { loadBalancer: {} }\n`);
  assert.deepEqual(problems, []);
  assert.deepEqual([object.loadBalancerIP, object.loadBalancerClass, object.ipFamilyPolicy], ['', null, null]);
  assert.deepEqual([object.loadBalancerSourceRanges, object.ipFamilies, object.statusAddresses], [[], [], []]);
  assert.deepEqual([object.statusLoadBalancer, object.statusConditions, object.trafficDistribution], [[], [], null]);
  assert.deepEqual([object.externalTrafficPolicy, object.healthCheckNodePort, object.sessionAffinity], ['Cluster', null, 'None']);
  assert.equal(object.sessionAffinityTimeoutSeconds, 10_800);
  assert.equal(object.selector.size, 0);
});

test('Wrong values cost the Service, never just the fence around it', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['loadBalancerSourceRanges: [10.0.0.0/8, 10.0.0.1]', 'loadBalancerSourceRanges[1]'],
    ['loadBalancerSourceRanges: [10.0.0.0/40]', 'loadBalancerSourceRanges[0]'],
    ['loadBalancerSourceRanges: 10.0.0.0/8', 'loadBalancerSourceRanges'],
    ['loadBalancerSourceRanges: [7]', 'loadBalancerSourceRanges[0]'],
    ['externalTrafficPolicy: local', 'externalTrafficPolicy'],
    ['healthCheckNodePort: 65536', 'healthCheckNodePort'],
    ['healthCheckNodePort: "31999"', 'healthCheckNodePort'],
    ['sessionAffinity: Cookie', 'sessionAffinity'],
    ['sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } }', 'sessionAffinityConfig.clientIP.timeoutSeconds'],
    ['sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } }', 'sessionAffinityConfig.clientIP.timeoutSeconds'],
    ['ipFamilies: [ipv4]', 'ipFamilies[0]'],
    ['ipFamilies: [IPv4, IPv4]', 'ipFamilies[1]'],
    ['ipFamilies: [IPv4, IPv6, IPv4]', 'ipFamilies'],
    ['ipFamilyPolicy: DualStack', 'ipFamilyPolicy'],
    ['loadBalancerClass: "a b"', 'loadBalancerClass'],
    ['loadBalancerClass: gatehouse.dev/', 'loadBalancerClass'],
    ['loadBalancerIP: 7', 'loadBalancerIP'],
  ];
  for (const [text, field] of cases) {
    const { object, faults } = await decodeCase(`${HEAD}  ${text}\n`);
    assert.equal(object, null, text);
    assert.deepEqual(faults, [`6 spec.${field}: ${LOST}`], text);
  }
});

test('Faults of the status cost only what an earlier run gave', async () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['[]', 'status', []],
    ['{ loadBalancer: 5 }', 'status.loadBalancer', []],
    ['{ loadBalancer: { ingress: 5 } }', 'status.loadBalancer.ingress', []],
    [
      '{ loadBalancer: { ingress: [{ ip: x }, { ip: 192.0.2.1 }] } }',
      'status.loadBalancer.ingress[0].ip',
      ['192.0.2.1'],
    ],
  ];
  for (const [status, field, addresses] of cases) {
    const { object, faults, problems } = await decodeAs('Service', `${HEAD}status: ${status}\n`);
    assert.ok(problems.every(({ severity }) => severity === 'warning'), status);
    assert.deepEqual(faults, [`6 ${field}: the address is not known to be in use`], status);
    assert.deepEqual(object.statusAddresses, addresses);
  }
});
