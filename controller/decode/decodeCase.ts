import assert from 'node:assert/strict';
import { readContent, contentProblems } from '../sources/manifests/manifestContent.ts';
import type { Kind, KubeObject } from '../model/objects.ts';
import type { Problem } from '../../core/ir/problem.ts';

/** For tests: one decoded document. */
export interface DecodeCase {
  readonly object: KubeObject | null;
  readonly problems: readonly Problem[];
  /** `line field: effect` of each problem. */
  readonly faults: readonly string[];
}

/** For tests: decodes the one object of a YAML text, with the lines of its problems. */
export async function decodeCase(yaml: string): Promise<DecodeCase> {
  const reading = await readContent('case.yaml', yaml, []);
  assert.ok(reading.ok, reading.ok ? '' : reading.problem.rule);
  const entry = reading.content[0]?.entries[0];
  assert.ok(entry !== undefined, 'the text holds no object');
  const problems = contentProblems(reading.content);
  const faults = problems.map(({ position, field, effect }) => `${position?.line} ${field}: ${effect}`);
  return { object: entry.decoded.object, problems, faults };
}

/** For tests: as `decodeCase`, and the object is there and of this kind. */
export async function decodeAs<K extends Kind>(
  kind: K,
  yaml: string,
): Promise<DecodeCase & { readonly object: Extract<KubeObject, { readonly kind: K }> }> {
  const decoded = await decodeCase(yaml);
  assert.equal(decoded.object?.kind, kind, decoded.faults.join('\n'));
  return { ...decoded, object: decoded.object as Extract<KubeObject, { readonly kind: K }> };
}
