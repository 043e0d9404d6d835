import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { renewSections } from '../support/generatedDocs.ts';
import { lacksWhen } from '../support/requirement.ts';
import { customResourceDefinitions, GENERATED_FILES, permissionsList } from './generatedChart.ts';
import { CHART, missingForRendering, parseObjects, renderObjects } from './renderChart.ts';

const ROOT = join(import.meta.dirname, '../..');
const UPDATE = process.env['GATEHOUSE_UPDATE'] === '1';
const HINT = 'run this test with GATEHOUSE_UPDATE=1';

const missing = missingForRendering();
const skip = lacksWhen(missing !== null, missing ?? '');

function read(path: string): string {
  return existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : '';
}

suite('what is made from something else is up to date', { skip }, () => {
  test('the CRDs of the chart are those of crds/', () => {
    const folder = join(CHART, 'crds');
    const sources = customResourceDefinitions();
    if (UPDATE) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      for (const [name, text] of sources) writeFileSync(join(folder, name), text);
    }
    assert.deepEqual(readdirSync(folder).toSorted(), [...sources.keys()], HINT);
    for (const [name, text] of sources) assert.equal(readFileSync(join(folder, name), 'utf8'), text, `${name}: ${HINT}`);
  });

  // In this order: the manifest is rendered with the rules.
  for (const [path, make] of GENERATED_FILES) {
    test(path, () => {
      const made = make();
      if (UPDATE) writeFileSync(join(ROOT, path), made);
      assert.equal(read(path), made, HINT);
    });
  }

  test('docs/permissions.md', () => {
    const text = read('docs/permissions.md');
    const renewed = renewSections(text, new Map([['permissions', permissionsList]]));
    if (UPDATE) writeFileSync(join(ROOT, 'docs/permissions.md'), renewed);
    assert.equal(text, renewed, HINT);
  });
});

suite('deploy/gatehouse.yaml', { skip }, () => {
  const objects = parseObjects(read('deploy/gatehouse.yaml'));

  test('installs CRDs and namespace before what needs them, and then what the chart installs', () => {
    const crds = customResourceDefinitions().size;
    assert.deepEqual(objects.slice(0, crds + 1).map(({ kind }) => kind), ['Namespace', ...Array.from({ length: crds }, () => 'CustomResourceDefinition')]);
    const identity = ({ kind, metadata }: (typeof objects)[number]): string => `${kind}/${metadata.name}`;
    assert.deepEqual(objects.slice(crds + 1).map(identity).toSorted(), renderObjects({}).map(identity).toSorted());
  });

  test('says of no object that Helm looks after it', () => {
    assert.doesNotMatch(read('deploy/gatehouse.yaml'), /managed-by: Helm/);
  });
});
