import { FieldReader } from './fieldReader.ts';
import { matchKind, versionsIn, type KindForm } from './kindForm.ts';
import { decodeMetadata } from './metadata.ts';
import { entryOf, isPlainMap, type PlainMap } from './plainMap.ts';
import { ProblemCollector } from './problemCollector.ts';
import { DNS_LABEL, textFault, type TextForm } from './textForm.ts';
import type { Origin } from '../model/objectBase.ts';
import type { KubeObject } from '../model/objects.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';

/** What one parsed value turned out to be. */
export interface Decoded {
  /** Null when the value is of a kind that Gatehouse does not read, or too faulty to be used. */
  readonly object: KubeObject | null;
  /**
   * The object's identity, also of one that cannot be used. Null for kinds that Gatehouse does not read (no problems
   * then) and for values that do not say which object they are (problems then).
   */
  readonly ref: ObjectRef | null;
  readonly problems: readonly Problem[];
}

const UNIDENTIFIED_EFFECT = 'the object is left out';
const UNUSABLE_EFFECT = 'the object is not taken; a last good form of it stays in use';

/** Namespace of a namespaced object that names none. */
const DEFAULT_NAMESPACE = 'default';

/**
 * Decodes one parsed YAML or JSON value into the object it describes. Never throws on any value. A fault in the
 * identity or in the shape of the whole costs the object, a fault in one element (rule, path, endpoint, annotation)
 * costs that element only; every fault is a problem.
 */
export function decodeObject(value: unknown, origin: Origin | null): Decoded {
  const unidentified = new ProblemCollector({ object: null, origin, redact: true });
  const nothing = (): Decoded => ({ object: null, ref: null, problems: unidentified.list() });
  if (!isPlainMap(value)) {
    unidentified.add({ field: '', rule: 'must be a map with apiVersion, kind and metadata', effect: UNIDENTIFIED_EFFECT });
    return nothing();
  }
  const type = decodeType(value, unidentified);
  if (type === null) return nothing();
  const match = matchKind(type.apiVersion, type.kind);
  switch (match.type) {
    case 'foreign':
      return nothing();
    case 'retired':
      return retired(type, match, origin);
    case 'misspelt':
      return misspelt(type, match, origin);
    case 'read':
      return decodeKnown(value, { form: match.form, apiVersion: type.apiVersion, old: match.old }, origin);
  }
}

interface ObjectType {
  readonly apiVersion: string;
  readonly kind: string;
}

function decodeType(value: PlainMap, problems: ProblemCollector): ObjectType | null {
  const apiVersion = entryOf(value, 'apiVersion');
  const kind = entryOf(value, 'kind');
  if (typeof apiVersion === 'string' && typeof kind === 'string' && kind !== '' && apiVersion !== '') {
    return { apiVersion, kind };
  }
  for (const [field, text] of Object.entries({ apiVersion, kind })) {
    if (typeof text === 'string' && text !== '') continue;
    const rule = text === undefined || text === '' ? 'must be set' : 'must be a string';
    problems.add({ field, rule, effect: UNIDENTIFIED_EFFECT });
  }
  return null;
}

function retired({ kind }: ObjectType, { instead }: { readonly instead: string }, origin: Origin | null): Decoded {
  const problems = new ProblemCollector({ object: null, origin, redact: false });
  problems.add({ severity: 'warning', field: 'kind', rule: `is no longer read: write ${instead}`, value: kind, effect: UNIDENTIFIED_EFFECT });
  return { object: null, ref: null, problems: problems.list() };
}

function misspelt(
  type: ObjectType,
  match: { readonly form: KindForm; readonly field: 'apiVersion' | 'kind' },
  origin: Origin | null,
): Decoded {
  const { form, field } = match;
  const problems = new ProblemCollector({ object: null, origin, redact: false });
  const rule = field === 'kind' ? `must be ${form.kind}` : `must be ${versionsIn(type.apiVersion, form).join(' or ')} for kind ${form.kind}`;
  problems.add({ field, rule, value: type[field], effect: UNIDENTIFIED_EFFECT });
  return { object: null, ref: null, problems: problems.list() };
}

/** A value of a kind that is read: its identity first, then the rest. */
function decodeKnown(
  value: PlainMap,
  type: { readonly form: KindForm; readonly apiVersion: string; readonly old: boolean },
  origin: Origin | null,
): Decoded {
  const { form, apiVersion, old } = type;
  const identity = decodeIdentity(value, form, origin);
  if (identity.ref === null) return { object: null, ...identity };
  const problems = new ProblemCollector({ object: identity.ref, origin, redact: form.kind === 'Secret' });
  const element = { effect: UNUSABLE_EFFECT, failed: false };
  const reader = new FieldReader(value, { field: '', element }, problems);
  if (old) reportOldVersion(reader, form, apiVersion);
  const metadata = reader.map('metadata');
  if (metadata === null) return { object: null, ...identity };
  const base = { metadata: decodeMetadata(metadata, identity.ref), origin };
  const object = form.decode({ object: reader, base, apiVersion });
  return { object, ref: identity.ref, problems: problems.list() };
}

function reportOldVersion(reader: FieldReader, form: KindForm, apiVersion: string): void {
  reader.report({
    severity: 'warning',
    field: 'apiVersion',
    rule: `is no longer served by Kubernetes: write ${form.apiVersion}${form.rewrite}`,
    value: apiVersion,
    effect: 'it is read as such',
  });
}

/** Name and namespace; a null ref comes with the problems that say why. */
function decodeIdentity(
  value: PlainMap,
  form: KindForm,
  origin: Origin | null,
): { readonly ref: ObjectRef | null; readonly problems: readonly Problem[] } {
  const problems = new ProblemCollector({ object: null, origin, redact: false });
  const metadata = entryOf(value, 'metadata');
  if (!isPlainMap(metadata)) {
    const rule = metadata === undefined ? 'must be set' : 'must be a map';
    problems.add({ field: 'metadata', rule, effect: UNIDENTIFIED_EFFECT });
    return { ref: null, problems: problems.list() };
  }
  const name = identifier(metadata, { key: 'name', form: form.name }, problems) ?? '';
  const namespace = form.namespaced ? identifier(metadata, { key: 'namespace', form: DNS_LABEL }, problems) : '';
  if (problems.list().length > 0) return { ref: null, problems: problems.list() };
  return { ref: { kind: form.kind, namespace: namespace ?? DEFAULT_NAMESPACE, name }, problems: [] };
}

function identifier(
  metadata: PlainMap,
  field: { readonly key: 'name' | 'namespace'; readonly form: TextForm },
  problems: ProblemCollector,
): string | null {
  const value = entryOf(metadata, field.key);
  const absent = value === undefined || value === '';
  if (absent && field.key === 'namespace') return null;
  const fault = absent ? 'must be set' : textFault(value, field.form);
  if (fault === null) return value as string;
  problems.add({ field: `metadata.${field.key}`, rule: fault, value, effect: UNIDENTIFIED_EFFECT });
  return null;
}
