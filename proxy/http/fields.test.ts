import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fields } from './fields.ts';

function fieldsOf(...names: readonly string[]): Fields {
  const fields = new Fields();
  for (const [index, name] of names.entries()) fields.append(name, name.toLowerCase(), String(index));
  return fields;
}

function textOf(fields: Fields): string {
  const lines: string[] = [];
  fields.forEach((name, lowerName, value) => lines.push(`${name}/${lowerName}=${value}`));
  return lines.join(' ');
}

test('set replaces all lines of a name at the place of the first', () => {
  const fields = fieldsOf('A', 'B', 'a', 'C', 'A');
  fields.set('a', 'a', 'new');
  assert.equal(textOf(fields), 'a/a=new B/b=1 C/c=3');
  fields.set('D', 'd', '4');
  assert.equal(textOf(fields), 'a/a=new B/b=1 C/c=3 D/d=4');
});

test('delete and retain keep order and repeated lines', () => {
  const fields = fieldsOf('A', 'B', 'a', 'C', 'B');
  fields.delete('a');
  assert.equal(textOf(fields), 'B/b=1 C/c=3 B/b=4');
  fields.retain((lowerName) => lowerName === 'b');
  assert.equal(textOf(fields), 'B/b=1 B/b=4');
  fields.retain(() => true);
  assert.deepEqual([fields.size, fields.getAll('b')], [2, ['1', '4']]);
  fields.retain(() => false);
  assert.deepEqual([fields.size, fields.get('b'), fields.getAll('b')], [0, undefined, []]);
});

test('names of object properties are names like any other', () => {
  const fields = fieldsOf('__proto__', 'constructor');
  assert.deepEqual([fields.get('__proto__'), fields.get('constructor'), fields.get('tostring')], ['0', '1', undefined]);
});
