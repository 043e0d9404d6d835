import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManifestPathError } from './manifestLoader.ts';
import { readManifests } from './readManifests.ts';
import { printProblem } from '../../../core/ir/problem.ts';

test('A one-shot reading gives objects, files, and every problem with file, line, object, field, rule and value', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-check-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const good = join(folder, 'good.yaml');
  const bad = join(folder, 'bad.yaml');
  const broken = join(folder, 'broken.json');
  await writeFile(good, 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n');
  await writeFile(broken, '{"apiVersion": "v1",\n"kind": ');
  await writeFile(
    bad,
    `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
spec:
  rules:
  - host: shop.test
    http:
      paths:
      - path: cart
        pathType: Prefix
        backend: { service: { name: cart, port: { number: 80 } } }
`,
  );
  const reading = await readManifests([folder]);
  assert.deepEqual(reading.files, [bad, broken, good]);
  assert.deepEqual(reading.objects.map((object) => object.kind), ['Ingress', 'Namespace']);
  assert.deepEqual(reading.problems.map(printProblem), [
    `${bad}:11: error: Ingress shop/web: spec.rules[0].http.paths[0].path: must begin with "/" (got "cart"); the path is left out`,
    `${broken}:2: error: must be valid YAML: a closing quote, a bracket, a comma or a colon is missing; the file is not taken; its last good content, if it has any, stays in use`,
  ]);
  await assert.rejects(readManifests([join(folder, 'none')]), ManifestPathError);
});
