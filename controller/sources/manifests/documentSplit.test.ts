import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitJson, splitYaml } from './documentSplit.ts';

function yaml(text: string): [number, string][] {
  return splitYaml(text).map((document) => [document.firstLine, document.text]);
}

function json(text: string): [number, string][] {
  return splitJson(text).map((document) => [document.firstLine, document.text]);
}

test('A YAML stream is cut at its markers, each document with its line', () => {
  assert.deepEqual(yaml('a: 1\n---\nb: 2\n--- # c\nc: 3'), [[1, 'a: 1\n'], [2, '---\nb: 2\n'], [4, '--- # c\nc: 3']]);
  assert.deepEqual(yaml('---\n---\na: 1\n'), [[1, '---\n'], [2, '---\na: 1\n']]);
  assert.deepEqual(yaml('a: 1\n...\n# x\n%YAML 1.2\n---\nb: 2\n'), [[1, 'a: 1\n...\n'], [3, '# x\n%YAML 1.2\n---\nb: 2\n']]);
  assert.deepEqual(yaml('a: 1\r\n---\r\nb: 2\r\n'), [[1, 'a: 1\r\n'], [2, '---\r\nb: 2\r\n']]);
});

test('Comments and blanks alone are no document; text after a marker is', () => {
  assert.deepEqual(yaml(''), []);
  assert.deepEqual(yaml('\n# only\n  \n'), []);
  assert.deepEqual(yaml('# head\n---\na: 1\n'), [[1, '# head\n---\na: 1\n']]);
  assert.deepEqual(yaml('--- {a: 1}\n'), [[1, '--- {a: 1}\n']]);
});

test('Dashes that are no marker do not cut', () => {
  for (const text of ['a: ---\n', '----\n', ' ---\n', '---a\n', 'a: |\n  ---\n  x\n']) assert.equal(yaml(text).length, 1, text);
});

test('A JSON stream is cut after each value, and brackets in strings do not count', () => {
  assert.deepEqual(json('{"a":"}\\"{"}\n{"b":[{}]} [1]'), [[1, '{"a":"}\\"{"}'], [2, '{"b":[{}]}'], [2, '[1]']]);
  assert.deepEqual(json('\n\n{\n"a": 1\n}\n'), [[3, '{\n"a": 1\n}']]);
  assert.deepEqual(json(' \n'), []);
});

test('JSON that does not balance is one document for the parser to refuse', () => {
  assert.deepEqual(json('{"a": [1, 2'), [[1, '{"a": [1, 2']]);
  assert.deepEqual(json('{"a": "x}'), [[1, '{"a": "x}']]);
  assert.deepEqual(json('{} x'), [[1, '{}'], [1, 'x']]);
});
