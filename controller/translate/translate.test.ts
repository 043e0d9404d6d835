import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { seededRandom } from '../../core/testing/seededRandom.ts';
import { printTranslation, readCase, type TranslationCase } from './testdata/readCase.ts';

const FOLDER = new URL('testdata/', import.meta.url);
/** Rewrites the expected files: read what changed before keeping it. */
const UPDATE = process.env['GATEHOUSE_UPDATE'] === '1';
const SHUFFLES = 5;

const shared = readFileSync(new URL('shared.yaml', FOLDER), 'utf8');
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.in.yaml'))
  .map((file) => file.slice(0, -'.in.yaml'.length))
  .toSorted();

function load(name: string): TranslationCase {
  return readCase(`${shared}\n---\n${readFileSync(new URL(`${name}.in.yaml`, FOLDER), 'utf8')}`);
}

for (const name of names) {
  test(`${name.replaceAll('-', ' ')} translates as its file says`, () => {
    const printed = printTranslation(load(name));
    const file = new URL(`${name}.out.json`, FOLDER);
    if (UPDATE) writeFileSync(file, printed);
    assert.equal(printed, readFileSync(file, 'utf8'));
  });
}

test('every expected file belongs to a case', () => {
  const expected = readdirSync(FOLDER).filter((file) => file.endsWith('.out.json'));
  assert.deepEqual(expected.map((file) => file.slice(0, -'.out.json'.length)).toSorted(), names);
});

test('the order in which objects come changes nothing', () => {
  const seed = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 1_000_000_007);
  console.log(`GATEHOUSE_SEED=${seed}`);
  const random = seededRandom(seed);
  for (const name of names) {
    const original = load(name);
    const expected = printTranslation(original);
    for (let round = 0; round < SHUFFLES; round += 1) {
      const objects = shuffle(original.objects, random);
      assert.equal(printTranslation({ ...original, objects }), expected, `${name}, GATEHOUSE_SEED=${seed}`);
    }
  }
});

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
