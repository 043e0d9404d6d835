import type { FieldReader } from './fieldReader.ts';
import { ANNOTATION_KEY, ANY_TEXT, LABEL_KEY, LABEL_VALUE, textFault, type TextForm } from './textForm.ts';
import type { Metadata } from '../model/objectBase.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';

/** All annotations of one object together, keys and values (API server: TotalAnnotationSizeLimitB). */
const MAX_ANNOTATION_BYTES = 256 * 1024;

/** uid and resourceVersion: opaque; the bound is ours, a UUID has 36 characters and a version at most 20. */
const MAX_IDENTIFIER_CHARS = 128;
const IDENTIFIER: TextForm = {
  rule: `must have at most ${MAX_IDENTIFIER_CHARS} characters`,
  matches: (text) => text.length <= MAX_IDENTIFIER_CHARS,
};

/** RFC 3339 as the API server writes it. */
const TIMESTAMP = {
  rule: 'must be an RFC 3339 time such as 2026-01-31T12:00:00Z',
  matches: (text: string) =>
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
};

/** Everything of `metadata` but the identity, which `ref` states already. */
export function decodeMetadata(metadata: FieldReader, ref: ObjectRef): Metadata {
  return {
    name: ref.name,
    namespace: ref.namespace,
    labels: metadata.textMap('labels', { key: LABEL_KEY, value: LABEL_VALUE }, 'the label is left out'),
    annotations: decodeAnnotations(metadata),
    createdAtMs: decodeCreationTime(metadata),
    uid: decodeIdentifier(metadata, 'uid'),
    resourceVersion: decodeIdentifier(metadata, 'resourceVersion'),
  };
}

/** What the API server alone writes; a faulty one costs only itself. */
function decodeIdentifier(metadata: FieldReader, key: 'uid' | 'resourceVersion'): string {
  const value = metadata.value(key);
  if (value === undefined) return '';
  const rule = textFault(value, IDENTIFIER);
  if (rule === null) return value as string;
  metadata.report({ severity: 'warning', field: metadata.path(key), rule, value, effect: 'it counts as not set' });
  return '';
}

function decodeAnnotations(metadata: FieldReader): ReadonlyMap<string, string> {
  const forms = { key: ANNOTATION_KEY, value: ANY_TEXT };
  const annotations = metadata.textMap('annotations', forms, 'the annotation is left out');
  let bytes = 0;
  for (const [key, value] of annotations) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  if (bytes > MAX_ANNOTATION_BYTES) {
    metadata.fail('annotations', `must have at most ${MAX_ANNOTATION_BYTES} bytes together`, bytes);
  }
  return annotations;
}

function decodeCreationTime(metadata: FieldReader): number | null {
  const value = metadata.value('creationTimestamp');
  if (value === undefined) return null;
  if (typeof value === 'string' && TIMESTAMP.matches(value)) return Date.parse(value);
  metadata.report({
    severity: 'warning',
    field: metadata.path('creationTimestamp'),
    rule: TIMESTAMP.rule,
    value,
    effect: 'the object counts as having no age',
  });
  return null;
}
