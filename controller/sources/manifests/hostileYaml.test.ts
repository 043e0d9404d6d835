import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from './yamlDocument.ts';
import { readYamlValue } from './yamlValue.ts';
import { fieldOffset } from './fieldOffset.ts';
import { readContent } from './manifestContent.ts';

type Outcome = { readonly value: unknown } | { readonly line: number; readonly rule: string };

function read(text: string): Outcome {
  const parsed = parseYaml(text);
  if (!parsed.ok) return { line: parsed.fault.line, rule: parsed.fault.rule };
  const value = readYamlValue(parsed.value);
  return value.ok ? { value: value.value } : { line: value.fault.line, rule: value.fault.rule };
}

/** Line of the fault and whether its rule matches. */
function refuses(text: string, line: number, rule: RegExp): void {
  const outcome = read(text);
  assert.ok('rule' in outcome, `accepted: ${text.slice(0, 60)}`);
  assert.equal(outcome.line, line, outcome.rule);
  assert.match(outcome.rule, rule);
}

test('Ordinary values are read as the core schema has them', () => {
  const text = 'a: 1\nb: "1"\nc: true\nd: on\ne: null\nf:\ng: [1.5, x]\nh: |\n  two\n  lines\ni: 2026-01-31\n8: k\n';
  assert.deepEqual(read(text), {
    value: Object.assign(Object.create(null), {
      a: 1, b: '1', c: true, d: 'on', e: null, f: null, g: [1.5, 'x'], h: 'two\nlines\n', i: '2026-01-31', 8: 'k',
    }),
  });
});

test('Aliases and merge keys are followed', () => {
  const outcome = read('base: &b { x: 1, y: 2 }\none: *b\ntwo: { <<: *b, y: 3 }\nmany: { <<: [{ z: 4 }, *b] }\n');
  assert.ok('value' in outcome);
  assert.deepEqual(JSON.parse(JSON.stringify(outcome.value)), {
    base: { x: 1, y: 2 }, one: { x: 1, y: 2 }, two: { y: 3, x: 1 }, many: { z: 4, x: 1, y: 2 },
  });
});

test('Keys of prototypes are keys like any other', () => {
  const outcome = read('__proto__: { polluted: yes }\nconstructor: { prototype: { polluted: yes } }\ntoString: 1\n');
  assert.ok('value' in outcome && typeof outcome.value === 'object' && outcome.value !== null);
  assert.deepEqual(Object.keys(outcome.value), ['__proto__', 'constructor', 'toString']);
  assert.equal(Object.getPrototypeOf(outcome.value), null);
  assert.equal(Reflect.get({}, 'polluted'), undefined);
  refuses('__proto__: 1\na: 2\n__proto__: 3\n', 3, /same key twice/);
  const merged = read('a: &a { __proto__: { polluted: yes } }\nb: { <<: *a }\n');
  assert.ok('value' in merged);
  assert.equal(Reflect.get({}, 'polluted'), undefined);
});

test('Faults are told with the line they stand in', () => {
  refuses('a: 1\nb: 2\na: 3\n', 3, /same key twice/);
  refuses('a:\n  b: { c: 1, c: 2 }\n', 2, /same key twice/);
  refuses('a: 1\nb:\n\tc: 1\n', 3, /tab/);
  refuses('a: "x\nb: 1\n', 2, /closing quote|valid YAML/);
  refuses('a: [1, 2\n\n', 1, /valid YAML/);
  refuses('a: {{ .Values.x }}\n', 1, /strings as keys|valid YAML/);
  refuses('a: @x\n', 1, /quoted/);
  refuses('a: b: c\n', 1, /quoted/);
  refuses('a: 1\n  b: 2\n', 1, /valid YAML/);
  refuses('a: *nowhere\n', 1, /anchor/);
  refuses('a: &x [*x]\n', 1, /anchor/);
  refuses('a: 1\n]\n', 2, /valid YAML/);
  refuses('? [a, b]\n: 1\n', 1, /strings as keys/);
  refuses('a: { <<: 5 }\n', 1, /merge maps/);
});

test('A billion laughs are refused, be they lists, strings or merges', () => {
  const names = 'abcdefghij'.split('');
  const lists = names.map((name, index) => {
    const item = index === 0 ? 'ha' : `*${names[index - 1]}`;
    return `${name}: &${name} [${Array.from({ length: 10 }, () => item).join(', ')}]`;
  });
  refuses(lists.join('\n'), 8, /bound/);
  const chunk = `a: &a ${'x'.repeat(1_000_000)}\nb: [${Array.from({ length: 500 }, () => '*a').join(', ')}]\n`;
  refuses(chunk, 2, /bound/);
  refuses(`a: &a x\nb:\n${'- *a\n'.repeat(1001)}`, 1003, /at most 1000 aliases/);
  const few = read(`a: &a x\nb:\n${'- *a\n'.repeat(1000)}`);
  assert.ok('value' in few);
});

test('Deep nesting is refused however it is written', () => {
  refuses(`${'['.repeat(200_000)}`, 1, /nested|missing/);
  refuses(`${'['.repeat(102)}${']'.repeat(102)}`, 1, /nested deeper than 100/);
  refuses('- '.repeat(20_000), 1, /nested/);
  refuses(`a: ${'{a: '.repeat(20_000)}`, 1, /nested|missing/);
  assert.ok('value' in read(`${'['.repeat(100)}${']'.repeat(100)}`));
});

test('Large scalars, maps and lists are read', () => {
  const text = 'x'.repeat(1_000_000);
  assert.deepEqual(read(`a: ${text}\n`), { value: Object.assign(Object.create(null), { a: text }) });
  const keys = read(Array.from({ length: 50_000 }, (_, index) => `k${index}: v`).join('\n'));
  assert.ok('value' in keys && Object.keys(keys.value as object).length === 50_000);
});

test('Stray tokens by the hundred thousand end at the first', () => {
  refuses(']'.repeat(500_000), 1, /valid YAML/);
});

test('No fault quotes the text, which may be a Secret', () => {
  for (const text of ['a: *hunter2', 'a: "hunter2', 'a: @hunter2', '!hunter2 &hunter2 *hunter2', 'a: 1\nhunter2', '"\\hunter2"', '%hunter2\n---\na: 1', '{{ hunter2 }}: 1']) {
    const outcome = read(text);
    if ('rule' in outcome) assert.doesNotMatch(outcome.rule, /hunter2/, text);
  }
});

test('A NUL character spoils the file and is named with its line', async () => {
  const reading = await readContent('a.yaml', 'a: 1\nb: "\0"\n', []);
  assert.ok(!reading.ok);
  assert.deepEqual(reading.problem.position, { file: 'a.yaml', line: 2 });
  assert.match(reading.problem.rule, /NUL/);
});

test('Fields are found by their path, dotted keys in brackets or not, aliases followed', () => {
  const text = `metadata:
  annotations:
    a.test/b: x
    a.test/b.c: y
spec:
  rules: &r
  - host: a
  - host: b
  copy: *r
`;
  const parsed = parseYaml(text);
  assert.ok(parsed.ok);
  const lineOf = (field: string): number => parsed.value.lineAt(fieldOffset(parsed.value.tree, field));
  const expected: readonly (readonly [string, number])[] = [
    ['', 1], ['metadata', 1], ['metadata.annotations', 2], ['metadata.annotations[a.test/b]', 3],
    ['metadata.annotations.a.test/b', 3], ['metadata.annotations.a.test/b.c', 4], ['metadata.annotations[none]', 2],
    ['spec.rules', 6], ['spec.rules[1]', 8], ['spec.rules[1].host', 8], ['spec.rules[1].http.paths[0]', 8],
    ['spec.rules[9].host', 6], ['spec.copy[1].host', 8], ['none', 1], ['[', 1], ['spec.rules[', 6], ['..', 1],
  ];
  for (const [field, line] of expected) assert.equal(lineOf(field), line, field);
});
