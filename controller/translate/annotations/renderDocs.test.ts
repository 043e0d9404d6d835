import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { SETTINGS } from '../settings/table.ts';
import { renderDocs } from './renderDocs.ts';

const FILE = new URL('../../../docs/annotations.md', import.meta.url);

test('docs/annotations.md says what the tables say', () => {
  const rendered = renderDocs();
  if (process.env['GATEHOUSE_UPDATE'] === '1') writeFileSync(FILE, rendered);
  assert.equal(readFileSync(FILE, 'utf8'), rendered);
});

test('every documented ConfigMap default is one that can be written', () => {
  for (const [, key, written] of renderDocs().matchAll(/^\| `([^`]+)` \| `([^`]*)` \| (?:ours|ingress-nginx) \|/gm)) {
    const row = SETTINGS.get(key ?? '');
    assert.ok(row !== undefined, String(key));
    const parsed = row.parse(written ?? '');
    assert.ok(parsed.ok && isDeepStrictEqual(parsed.value, row.default), `${key}: ${written}`);
  }
});
