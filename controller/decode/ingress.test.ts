import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAs, decodeCase } from './decodeCase.ts';

const HEAD = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
`;
const BACKEND = '{ service: { name: web, port: { number: 80 } } }';

test('An Ingress with every form of rule, path and backend is decoded without a problem', async () => {
  const { object, problems } = await decodeAs(
    'Ingress',
    `${HEAD}spec:
  ingressClassName: gatehouse
  defaultBackend: ${BACKEND}
  tls:
  - hosts: [shop.test, "*.shop.test"]
    secretName: shop-tls
  - {}
  rules:
  - host: "*.shop.test"
    http:
      paths:
      - path: /cart
        pathType: Prefix
        backend: { service: { name: cart, port: { name: http } } }
      - pathType: ImplementationSpecific
        backend:
          resource: { apiGroup: k8s.example.com, kind: Bucket, name: icons }
  - http:
      paths: [{ path: /, pathType: Exact, backend: ${BACKEND} }]
  - host: bare.test
`,
  );
  assert.deepEqual(problems, []);
  assert.equal(object.ingressClassName, 'gatehouse');
  assert.deepEqual(object.defaultBackend, { type: 'service', service: 'web', port: { type: 'number', number: 80 } });
  assert.deepEqual(object.tls, [
    { hosts: ['shop.test', '*.shop.test'], secretName: 'shop-tls', field: 'spec.tls[0]' },
    { hosts: [], secretName: '', field: 'spec.tls[1]' },
  ]);
  const service = { type: 'service', service: 'cart', port: { type: 'name', name: 'http' } };
  const resource = { type: 'resource', apiGroup: 'k8s.example.com', kind: 'Bucket', name: 'icons' };
  assert.deepEqual(object.rules[0], {
    host: '*.shop.test',
    field: 'spec.rules[0]',
    paths: [
      { path: '/cart', pathType: 'Prefix', backend: service, field: 'spec.rules[0].http.paths[0]' },
      { path: '/', pathType: 'ImplementationSpecific', backend: resource, field: 'spec.rules[0].http.paths[1]' },
    ],
  });
  assert.equal(object.rules[1]?.host, '');
  assert.deepEqual(object.rules[2], { host: 'bare.test', paths: null, field: 'spec.rules[2]' });
});

for (const host of ['"*"', '10.0.0.1', '"shop.test:80"', '"*.*.test"', '"a b"', '"[::1]"', '"bücher.test"', '80']) {
  test(`A rule with the host ${host} is left out and the next rule stays`, async () => {
    const { object, faults } = await decodeAs(
      'Ingress',
      `${HEAD}spec:
  rules:
  - http: { paths: [{ path: /, pathType: Prefix, backend: ${BACKEND} }] }
    host: ${host}
  - host: good.test
`,
    );
    assert.deepEqual(faults, ['9 spec.rules[0].host: the rule is left out']);
    assert.deepEqual(object.rules.map((rule) => rule.host), ['good.test']);
    assert.equal(object.rules[0]?.field, 'spec.rules[1]', 'the field still names the place in the file');
  });
}

const PATH_FAULTS: readonly (readonly [string, string, string])[] = [
  ['path: cart\n        pathType: Prefix', '10', 'path'],
  ['pathType: Exact', '10', 'path'],
  ['path: ""\n        pathType: Prefix', '10', 'path'],
  ['path: /a//b\n        pathType: Prefix', '10', 'path'],
  ['path: /a/../b\n        pathType: Exact', '10', 'path'],
  ['path: /a%2Fb\n        pathType: Exact', '10', 'path'],
  ['path: /a/..\n        pathType: Exact', '10', 'path'],
  ['path: cart\n        pathType: ImplementationSpecific', '10', 'path'],
  ['path: 7\n        pathType: Prefix', '10', 'path'],
  ['path: /\n        pathType: prefix', '11', 'pathType'],
  ['path: /\n        pathType: 1', '11', 'pathType'],
];
for (const [text, line, field] of PATH_FAULTS) {
  test(`A path with ${JSON.stringify(text)} is left out at its line`, async () => {
    const { object, faults } = await decodeAs(
      'Ingress',
      `${HEAD}spec:
  rules:
  - http:
      paths:
      - ${text}
        backend: ${BACKEND}
      - { path: /good, pathType: Prefix, backend: ${BACKEND} }
`,
    );
    assert.deepEqual(faults, [`${line} spec.rules[0].http.paths[0].${field}: the path is left out`]);
    assert.deepEqual(object.rules[0]?.paths?.map((path) => path.path), ['/good']);
  });
}

test('A path without pathType is taken as ImplementationSpecific and reported', async () => {
  const { object, faults, problems } = await decodeAs(
    'Ingress',
    `${HEAD}spec: { rules: [{ http: { paths: [{ path: /a, backend: ${BACKEND} }] } }] }\n`,
  );
  assert.deepEqual(faults, ['6 spec.rules[0].http.paths[0].pathType: ImplementationSpecific is used']);
  assert.equal(problems[0]?.severity, 'error');
  assert.equal(object.rules[0]?.paths?.[0]?.pathType, 'ImplementationSpecific');
});

const BACKEND_FAULTS: readonly (readonly [string, string])[] = [
  ['{}', ''],
  ['{ service: { name: web, port: { number: 80 } }, resource: { kind: B, name: b } }', ''],
  ['{ service: { port: { number: 80 } } }', '.service.name'],
  ['{ service: { name: Web, port: { number: 80 } } }', '.service.name'],
  ['{ service: { name: web } }', '.service.port'],
  ['{ service: { name: web, port: 80 } }', '.service.port'],
  ['{ service: { name: web, port: {} } }', '.service.port'],
  ['{ service: { name: web, port: { number: 0 } } }', '.service.port.number'],
  ['{ service: { name: web, port: { number: 65536 } } }', '.service.port.number'],
  ['{ service: { name: web, port: { number: 1.5 } } }', '.service.port.number'],
  ['{ service: { name: web, port: { number: "80" } } }', '.service.port.number'],
  ['{ service: { name: web, port: { name: "80" } } }', '.service.port.name'],
  ['{ service: { name: web, port: { name: way-too-long-a-name } } }', '.service.port.name'],
  ['{ service: { name: web, port: { number: 80, name: http } } }', '.service.port'],
  ['{ service: web }', '.service'],
  ['{ resource: { kind: Bucket } }', '.resource.name'],
  ['{ serviceName: web, servicePort: 80 }', ''],
  ['web', ''],
];
for (const [backend, field] of BACKEND_FAULTS) {
  test(`A path with the backend ${backend} is left out`, async () => {
    const { object, faults } = await decodeAs(
      'Ingress',
      `${HEAD}spec:
  rules:
  - http:
      paths:
      - path: /
        pathType: Prefix
        backend: ${backend}
`,
    );
    assert.deepEqual(faults, [`12 spec.rules[0].http.paths[0].backend${field}: the path is left out`]);
    assert.deepEqual(object.rules[0]?.paths, [], 'the rule itself stays');
  });
}

test('A port number in quotes is reported with the advice to take them off', async () => {
  const { problems } = await decodeCase(
    `${HEAD}spec: { defaultBackend: { service: { name: web, port: { number: "80" } } } }\n`,
  );
  assert.match(problems[0]?.rule ?? '', /without quotes/);
  assert.equal(problems[0]?.value, '"80"');
});

test('All faults of one path are reported together', async () => {
  const { faults } = await decodeCase(
    `${HEAD}spec: { rules: [{ http: { paths: [{ path: x, pathType: Exact, backend: { service: { name: A, port: { number: 0 } } } }] } }] }\n`,
  );
  const path = 'spec.rules[0].http.paths[0]';
  assert.deepEqual(faults, [
    `6 ${path}.path: the path is left out`,
    `6 ${path}.backend.service.name: the path is left out`,
    `6 ${path}.backend.service.port.number: the path is left out`,
  ]);
});

test('Faults in one TLS host, TLS entry or default backend cost only that', async () => {
  const { object, faults } = await decodeAs(
    'Ingress',
    `${HEAD}spec:
  defaultBackend: { service: { name: web } }
  tls:
  - hosts:
    - good.test
    - "*"
    secretName: a
  - secretName: Not_A_Name
  - 7
`,
  );
  assert.deepEqual(faults, [
    '7 spec.defaultBackend.service.port: the Ingress has no default backend',
    '14 spec.tls[2]: the TLS entry is left out',
    '11 spec.tls[0].hosts[1]: the host is left out',
    '13 spec.tls[1].secretName: the TLS entry is left out',
  ]);
  assert.equal(object.defaultBackend, null);
  assert.deepEqual(object.tls.map((entry) => entry.hosts), [['good.test']]);
});

test('A rule with http but no paths is left out, as it is no catch-all', async () => {
  for (const http of ['{}', '{ paths: [] }', '{ paths: 7 }', '[]']) {
    const { object, faults } = await decodeAs('Ingress', `${HEAD}spec: { rules: [{ http: ${http} }] }\n`);
    assert.deepEqual(object.rules, [], http);
    assert.equal(faults.length, 1, http);
  }
});

test('A faulty class name, rules that are no list or a missing spec cost the object', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['spec: { ingressClassName: 5, defaultBackend: null }', '6 spec.ingressClassName'],
    ['spec: { ingressClassName: "A B" }', '6 spec.ingressClassName'],
    ['spec: { rules: { host: a.test } }', '6 spec.rules'],
    ['spec: 7', '6 spec'],
    ['', '1 spec'],
  ];
  for (const [spec, fault] of cases) {
    const { object, faults } = await decodeCase(`${HEAD}${spec}\n`);
    assert.equal(object, null, spec);
    assert.equal(faults[0], `${fault}: the object is not taken; a last good form of it stays in use`);
  }
});

test('An Ingress without rules and default backend is taken and reported', async () => {
  const { object, faults } = await decodeAs('Ingress', `${HEAD}spec: { rules: [] }\n`);
  assert.deepEqual(object.rules, []);
  assert.deepEqual(faults, ['6 spec: the Ingress serves nothing']);
});

for (const apiVersion of ['extensions/v1beta1', 'networking.k8s.io/v1beta1']) {
  test(`The ${apiVersion} form is read and a warning says what to write instead`, async () => {
    const { object, problems } = await decodeAs(
      'Ingress',
      `apiVersion: ${apiVersion}
kind: Ingress
metadata: { name: old }
spec:
  backend: { serviceName: fallback, servicePort: http }
  rules:
  - host: old.test
    http:
      paths:
      - backend: { serviceName: web, servicePort: 8080 }
      - { path: /v1, pathType: Exact, backend: ${BACKEND} }
`,
    );
    assert.equal(problems.length, 1);
    assert.deepEqual(
      [problems[0]?.severity, problems[0]?.field, problems[0]?.position?.line, problems[0]?.value],
      ['warning', 'apiVersion', 1, JSON.stringify(apiVersion)],
    );
    assert.match(problems[0]?.rule ?? '', /networking\.k8s\.io\/v1.*pathType.*service\.name/);
    assert.deepEqual(object.defaultBackend, {
      type: 'service',
      service: 'fallback',
      port: { type: 'name', name: 'http' },
    });
    const paths = object.rules[0]?.paths;
    assert.deepEqual(paths?.[0], {
      path: '/',
      pathType: 'ImplementationSpecific',
      backend: { type: 'service', service: 'web', port: { type: 'number', number: 8080 } },
      field: 'spec.rules[0].http.paths[0]',
    });
    assert.equal(paths?.[1]?.pathType, 'Exact');
    assert.equal(object.metadata.namespace, 'default');
  });
}

test('v1beta1 backends have their faults reported by their own field names', async () => {
  const { faults } = await decodeCase(
    `apiVersion: extensions/v1beta1
kind: Ingress
metadata: { name: old }
spec:
  rules:
  - http:
      paths:
      - backend: { serviceName: web }
      - backend: { servicePort: 80 }
      - backend: { serviceName: web, servicePort: "80" }
      - backend: { serviceName: web, servicePort: true }
`,
  );
  const paths = 'spec.rules[0].http.paths';
  assert.deepEqual(faults.slice(1), [
    `8 ${paths}[0].backend.servicePort: the path is left out`,
    `9 ${paths}[1].backend.serviceName: the path is left out`,
    `10 ${paths}[2].backend.servicePort: the path is left out`,
    `11 ${paths}[3].backend.servicePort: the path is left out`,
  ]);
});

test('The v1beta1 field spec.backend in a v1 Ingress is reported, not taken', async () => {
  const { object, faults, problems } = await decodeAs(
    'Ingress',
    `${HEAD}spec: { backend: { serviceName: a, servicePort: 1 } }\n`,
  );
  assert.equal(object.defaultBackend, null);
  assert.deepEqual(faults, ['6 spec.backend: the Ingress has no default backend']);
  assert.match(problems[0]?.rule ?? '', /spec\.defaultBackend/);
});

test('More rules than the bound are cut and reported once; thousands of faults are listed up to their bound', async () => {
  const rules = Array.from({ length: 10_001 }, (_, index) => `  - host: h${index}.test`).join('\n');
  const many = await decodeAs('Ingress', `${HEAD}spec:\n  rules:\n${rules}\n`);
  assert.equal(many.object.rules.length, 10_000);
  assert.deepEqual(many.faults, ['7 spec.rules: only the first 10000 are taken']);
  const bad = await decodeAs('Ingress', `${HEAD}spec:\n  rules:\n${'  - host: "*"\n'.repeat(5000)}`);
  assert.equal(bad.problems.length, 101);
  assert.match(bad.problems.at(-1)?.effect ?? '', /not listed/);
});

test('An Ingress whose only rule is faulty is left out whole, so that its default backend does not take every host', async () => {
  const { object, faults } = await decodeCase(`${HEAD}spec:
  defaultBackend: ${BACKEND}
  rules:
  - host: Bad Host
    http:
      paths: [{ path: /, pathType: Prefix, backend: ${BACKEND} }]
`);
  assert.equal(object, null);
  assert.equal(faults.length, 2);
});

test('A TLS entry whose hosts are all faulty is left out, so that its certificate is not served for every name it has', async () => {
  const { object } = await decodeAs(
    'Ingress',
    `${HEAD}spec:
  defaultBackend: ${BACKEND}
  tls:
  - hosts: ["Bad Host"]
    secretName: shop-tls
`,
  );
  assert.deepEqual(object.tls, []);
});

test('Published addresses are read from the status, and a faulty status costs nothing', async () => {
  const ingress = (status: string): string =>
    `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: a }\nspec: { defaultBackend: { service: { name: a, port: { number: 80 } } } }\nstatus: ${status}\n`;
  const { object, problems } = await decodeAs('Ingress', ingress('{ loadBalancer: { ingress: [{ ip: 192.0.2.1 }, { hostname: a.test }] } }'));
  assert.deepEqual(problems, []);
  assert.deepEqual(object.statusLoadBalancer.map(({ ip, hostname }) => [ip, hostname]), [['192.0.2.1', ''], ['', 'a.test']]);
  for (const status of ['5', '{ loadBalancer: [] }', '{ loadBalancer: { ingress: [5, { ip: "x" }] } }']) {
    const faulty = await decodeAs('Ingress', ingress(status));
    assert.deepEqual(faulty.object.statusLoadBalancer, []);
    assert.ok(faulty.problems.length > 0 && faulty.problems.every(({ severity }) => severity === 'warning'), status);
  }
});
