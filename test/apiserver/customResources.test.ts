import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { at, records, type JsonObject } from './json.ts';
import type { Answer } from './testClient.ts';
import { usePlane } from './testPlane.ts';

const plane = usePlane();
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const WIDGETS = '/apis/example.test/v1/namespaces/default/widgets';

const spec: JsonObject = {
  type: 'object', required: ['size'],
  properties: {
    size: { type: 'integer', minimum: 1, maximum: 10 },
    color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
    code: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 4 },
    port: { 'x-kubernetes-int-or-string': true },
    tags: { type: 'array', maxItems: 2, items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    parts: {
      type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, count: { type: 'integer', default: 1 } } },
    },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    either: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    low: { type: 'integer' }, high: { type: 'integer' }, address: { type: 'string' }, fixed: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed is immutable' }] },
  },
  'x-kubernetes-validations': [
    { rule: '!has(self.low) || !has(self.high) || self.low <= self.high', message: 'low must be at most high' },
    { rule: '!has(self.address) || isIP(self.address) || isCIDR(self.address)', message: 'address must be an IP or a CIDR', fieldPath: '.address' },
  ],
};

function definition(more: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'widgets.example.test' },
    spec: {
      group: 'example.test', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
      versions: [{
        name: 'v1', served: true, storage: true, subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec, status: { type: 'object', properties: { ready: { type: 'boolean' } } } } } },
        additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }, { name: 'Color', type: 'string', jsonPath: '.spec.color', priority: 1 }],
        ...more,
      }],
    },
  };
}

async function established(name: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const { body } = await plane.client.get(`${DEFINITIONS}/${name}`);
    const conditions = records(at(body, 'status', 'conditions'));
    if (conditions.some(({ type, status }) => type === 'Established' && status === 'True')) return;
    await sleep(25);
  }
  throw new Error(`${name} is not established`);
}

/** The path is served a moment after the condition says so. */
async function served(path: string): Promise<void> {
  for (let tries = 0; tries < 200 && (await plane.client.get(path)).status !== 200; tries += 1) await sleep(25);
}

async function make(name: string, of: JsonObject): Promise<Answer> {
  return await plane.client.post(WIDGETS, { apiVersion: 'example.test/v1', kind: 'Widget', metadata: { name }, spec: of });
}

test('a CustomResourceDefinition is established and served', async () => {
  assert.equal((await plane.client.post(DEFINITIONS, definition())).status, 201);
  await established('widgets.example.test');
  await served(WIDGETS);
  const { body } = await plane.client.get('/apis/example.test/v1');
  const names = records(body['resources']).map(({ name }) => String(name)).toSorted((one, other) => one.localeCompare(other));
  assert.deepEqual(names, ['widgets', 'widgets/status']);
});

test('a custom resource gets defaults and loses what the schema does not know', async () => {
  const { status, body } = await make('good', { size: 3, unknown: 1, free: { any: { thing: 1 } }, parts: [{ name: 'a' }] });
  assert.equal(status, 201);
  assert.deepEqual(body['spec'], { size: 3, color: 'red', free: { any: { thing: 1 } }, parts: [{ name: 'a', count: 1 }] });
  assert.equal(at(body, 'metadata', 'generation'), 1);
});

const FAULTS: readonly (readonly [string, JsonObject, string])[] = [
  ['a missing field', {}, 'spec.size'], ['a number below the minimum', { size: 0 }, 'spec.size'], ['a number above the maximum', { size: 11 }, 'spec.size'],
  ['a string for a number', { size: 'x' }, 'spec.size'], ['a value outside the enum', { size: 1, color: 'green' }, 'spec.color'],
  ['a string that does not match', { size: 1, code: 'AB' }, 'spec.code'], ['a string that is too short', { size: 1, code: 'a' }, 'spec.code'],
  ['a list that is too long', { size: 1, tags: ['a', 'b', 'c'] }, 'spec.tags'], ['an element twice in a set', { size: 1, tags: ['a', 'a'] }, 'spec.tags[1]'],
  ['a key twice in a keyed list', { size: 1, parts: [{ name: 'a' }, { name: 'a' }] }, 'spec.parts[1]'],
  ['neither of two alternatives', { size: 1, either: {} }, '<nil>'], ['a list for an int or a string', { size: 1, port: [] }, 'spec.port'],
];

for (const [what, of, field] of FAULTS) {
  test(`a custom resource with ${what} is refused at ${field}`, async () => {
    const { status, body } = await make('bad', of);
    assert.equal(status, 422);
    assert.ok(records(at(body, 'details', 'causes')).some((cause) => cause['field'] === field), String(body['message']));
  });
}


test('a CEL rule refuses with its message, at its field path', async () => {
  const order = await make('bad', { size: 1, low: 3, high: 2 });
  assert.equal(order.status, 422);
  assert.match(String(order.body['message']), /spec: Invalid value: "?object"?.*low must be at most high|low must be at most high/);
  const address = await make('bad', { size: 1, address: 'nowhere' });
  assert.ok(records(at(address.body, 'details', 'causes')).some((cause) => cause['field'] === 'spec.address'));
  assert.equal((await make('cel', { size: 1, low: 2, high: 2, address: '192.0.2.0/24' })).status, 201);
});

test('a CEL rule with oldSelf looks at updates only', async () => {
  assert.equal((await make('fixed', { size: 1, fixed: 'a' })).status, 201);
  const changed = await plane.client.patch(`${WIDGETS}/fixed`, 'merge', { spec: { fixed: 'b' } });
  assert.equal(changed.status, 422);
  assert.match(String(changed.body['message']), /fixed is immutable/);
  assert.equal((await plane.client.patch(`${WIDGETS}/fixed`, 'merge', { spec: { size: 2 } })).status, 200);
});

test('a rule that names a field the schema does not have is refused with the definition', async () => {
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' } }, 'x-kubernetes-validations': [{ rule: 'self.nothing == 1' }] } } } };
  assert.equal((await plane.client.post(`${DEFINITIONS}?dryRun=All`, definition({ schema }))).status, 422);
});

test('null where it is not allowed counts as absent', async () => {
  const { status, body } = await make('nulls', { size: 1, code: null, color: null });
  assert.equal(status, 201);
  assert.deepEqual(body['spec'], { size: 1, color: 'red' });
  assert.equal((await make('bad', { size: null })).status, 422);
});

test('the status of a custom resource is a subresource', async () => {
  await plane.client.patch(`${WIDGETS}/good`, 'merge', { status: { ready: true } });
  assert.equal((await plane.client.get(`${WIDGETS}/good`)).body['status'], undefined);
  const { status, body } = await plane.client.patch(`${WIDGETS}/good/status`, 'merge', { status: { ready: true }, spec: { size: 9 } });
  assert.equal(status, 200);
  assert.deepEqual(body['status'], { ready: true });
  assert.equal(at(body, 'spec', 'size'), 3);
  assert.equal(at(body, 'metadata', 'generation'), 1);
});

test('a PUT of a custom resource needs its resourceVersion', async () => {
  const put = await plane.client.put(`${WIDGETS}/good`, { apiVersion: 'example.test/v1', kind: 'Widget', metadata: { name: 'good' }, spec: { size: 4 } });
  assert.equal(put.status, 422);
  assert.match(String(put.body['message']), /metadata\.resourceVersion: Invalid value: .*must be specified for an update/);
});

test('a strategic merge patch of a custom resource is 415', async () => {
  assert.equal((await plane.client.patch(`${WIDGETS}/good`, 'strategic-merge', { spec: { size: 4 } })).status, 415);
});

test('keyed lists of a custom resource merge by apply', async () => {
  const widget = (parts: unknown[]): JsonObject => ({ apiVersion: 'example.test/v1', kind: 'Widget', metadata: { name: 'shared' }, spec: { size: 1, parts } });
  await plane.client.patch(`${WIDGETS}/shared?fieldManager=one`, 'apply', widget([{ name: 'a' }]));
  const { body } = await plane.client.patch(`${WIDGETS}/shared?fieldManager=two`, 'apply', widget([{ name: 'b', count: 2 }]));
  assert.deepEqual(at(body, 'spec', 'parts'), [{ name: 'a', count: 1 }, { name: 'b', count: 2 }]);
});

test('a table has the printer columns', async () => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  const { body } = await plane.client.send('GET', WIDGETS, { accept });
  assert.deepEqual(records(body['columnDefinitions']).map(({ name }) => name), ['Name', 'Size', 'Color']);
  const row = records(body['rows']).find((one) => at(one, 'object', 'metadata', 'name') === 'good');
  assert.deepEqual(row?.['cells'], ['good', 3, 'red']);
});

test('a definition that is not structural is refused', async () => {
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { properties: { a: { type: 'string' } } } } } };
  const { status, body } = await plane.client.post(`${DEFINITIONS}?dryRun=All`, definition({ schema }));
  assert.equal(status, 422);
  assert.match(String(body['message']), /type: Required value: must not be empty for specified object fields/);
});

test('a definition that goes takes its objects and its paths along', async () => {
  assert.equal((await plane.client.delete(`${DEFINITIONS}/widgets.example.test`)).status, 200);
  for (let tries = 0; tries < 400 && (await plane.client.get(WIDGETS)).status !== 404; tries += 1) await sleep(25);
  assert.equal((await plane.client.get(WIDGETS)).status, 404);
});
