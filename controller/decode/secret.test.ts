import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBase64 } from './base64.ts';
import { decodeAs, decodeCase } from './decodeCase.ts';

const HEAD = `apiVersion: v1
kind: Secret
metadata: { name: tls }
`;
const LOST = 'the object is not taken; a last good form of it stays in use';

test('A Secret is decoded to octets, stringData on top of data', async () => {
  const { object, problems } = await decodeAs(
    'Secret',
    `${HEAD}type: kubernetes.io/tls
data:
  tls.crt: aGVs
  tls.key: |
    aGVsbG8g
    d29ybGQ=
  __proto__: AP8=
  empty: ""
  nothing:
stringData:
  tls.crt: über
`,
  );
  assert.deepEqual(problems, []);
  assert.equal(object.type, 'kubernetes.io/tls');
  assert.equal(object.data.get('tls.crt')?.toString(), 'über');
  assert.equal(object.data.get('tls.key')?.toString(), 'hello world');
  assert.deepEqual(object.data.get('__proto__'), Buffer.from([0, 255]));
  assert.equal(object.data.get('empty')?.length, 0);
  assert.equal(object.data.get('nothing')?.length, 0);
});

test('A Secret without a type is Opaque', async () => {
  assert.equal((await decodeAs('Secret', HEAD)).object.type, 'Opaque');
});

test('One faulty entry costs the whole Secret, and no problem shows a value', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['data: { tls.key: "hunter2!" }', '4 data[tls.key]'],
    ['data: { tls.key: aHVudGVyMg }', '4 data[tls.key]'],
    ['data: { tls.key: aHVu dGVy }', '4 data[tls.key]'],
    ['data: { tls.key: aHVu_GVy }', '4 data[tls.key]'],
    ['data: { tls.key: 31337 }', '4 data[tls.key]'],
    ['data: { tls.key: { hunter2: hunter2 } }', '4 data[tls.key]'],
    ['data: { a/b: aGVs }', '4 data[a/b]'],
    ['data: { "..": aGVs }', '4 data[..]'],
    ['data: hunter2', '4 data'],
    ['data: [hunter2]', '4 data'],
    ['stringData: { a: 31337 }', '4 stringData[a]'],
    ['stringData: { a: [hunter2] }', '4 stringData[a]'],
    ['type: 31337', '4 type'],
  ];
  for (const [text, fault] of cases) {
    const { object, faults, problems } = await decodeCase(`${HEAD}${text}\n`);
    assert.equal(object, null, text);
    assert.deepEqual(faults, [`${fault}: ${LOST}`], text);
    assert.doesNotMatch(JSON.stringify(problems), /hunter2|aHVu|31337/, text);
    assert.equal(problems[0]?.value, '');
  }
});

test('Annotations of a Secret may hold its data, so their values are not shown either', async () => {
  const { problems } = await decodeCase(
    'apiVersion: v1\nkind: Secret\nmetadata: { name: a, annotations: { last-applied: 31337, "hunter 2": x } }\n',
  );
  assert.equal(problems.length, 2);
  assert.deepEqual(problems.map((problem) => problem.value), ['', '']);
});

test('A Secret beyond 1 MiB is refused', async () => {
  const { object, faults } = await decodeCase(`${HEAD}stringData: { a: ${'x'.repeat(1024 * 1024 + 1)} }\n`);
  assert.equal(object, null);
  assert.deepEqual(faults, [`1 data: ${LOST}`]);
});

test('Base64 is read strictly but for line breaks', () => {
  assert.deepEqual(decodeBase64('aGVsbG8='), Buffer.from('hello'));
  assert.deepEqual(decodeBase64('aGVs\r\nbG8=\n'), Buffer.from('hello'));
  assert.deepEqual(decodeBase64(''), Buffer.alloc(0));
  for (const text of ['a', 'aG', 'aGV', 'aGVsbG8', 'aGVs bG8=', 'aGVs=', 'a===', '====', 'aGVs-G8=', 'aG=s', 'ａGVs']) {
    assert.equal(decodeBase64(text), null, text);
  }
  assert.equal(decodeBase64(`${'A'.repeat(4 * 1024 * 1024 - 1)}!`), null);
});
