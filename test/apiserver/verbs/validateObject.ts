import { invalid } from '../apiError.ts';
import { forbiddenField, invalidValue, required, type FieldError } from '../fieldError.ts';
import { list, record, same, text, type KubeObject } from '../json.ts';
import { mapErrors, nameErrors } from '../names.ts';
import { versionOf } from '../resourceType.ts';
import { celErrors } from '../schema/cel.ts';
import { validate } from '../schema/validate.ts';
import type { Engine, Target } from './engine.ts';

/** Throws 422 with all faults of an object that is about to be stored. */
export function validateObject(engine: Engine, target: Target, object: KubeObject, old: KubeObject | null): void {
  const { type } = target;
  const errors = [...metadataErrors(target, object, old), ...schemaErrors(target, object, old)];
  const context = { storage: engine.storage, nowMs: engine.now(), subresource: target.subresource };
  errors.push(...(type.strategy.validate?.(object, old, context) ?? []));
  if (errors.length > 0) throw invalid(type, object.metadata.name, errors);
}

function schemaErrors({ type, version }: Target, object: KubeObject, old: KubeObject | null): FieldError[] {
  const { schema } = versionOf(type, version);
  if (schema === null || !type.custom) return [];
  const errors = validate(object, schema);
  return errors.length > 0 ? errors : celErrors(object, old, schema);
}

function metadataErrors({ type }: Target, { metadata }: KubeObject, old: KubeObject | null): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.name === '') errors.push(required('metadata.name', 'name or generateName is required'));
  else if (old === null) errors.push(...nameErrors(type.nameRule, 'metadata.name', metadata.name));
  errors.push(...mapErrors(metadata.labels ?? {}, metadata.annotations ?? {}));
  errors.push(...ownerErrors(metadata.ownerReferences ?? []));
  for (const finalizer of metadata.finalizers ?? []) {
    if (!finalizer.includes('/') && !['foregroundDeletion', 'orphan', 'kubernetes'].includes(finalizer)) {
      errors.push(invalidValue('metadata.finalizers', finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
    }
  }
  if (old !== null) errors.push(...updateErrors(metadata, old.metadata));
  return errors;
}

function ownerErrors(references: readonly unknown[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const reference of references.map(record)) {
    for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
      if (text(reference[field]) === '') errors.push(invalidValue(`metadata.ownerReferences.${field}`, '', `${field === 'apiVersion' ? 'version' : field} must not be empty`));
    }
  }
  const controllers = references.map(record).filter((reference) => reference['controller'] === true);
  if (controllers.length > 1) {
    const names = controllers.slice(0, 2).map((one) => text(one['name']));
    errors.push(invalidValue('metadata.ownerReferences', null, `Only one reference can have Controller set to true. Found "true" in references for ${names.join(' and ')}`));
  }
  return errors;
}

function updateErrors(metadata: KubeObject['metadata'], old: KubeObject['metadata']): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp'] as const) {
    if (!same(metadata[field], old[field])) errors.push(invalidValue(`metadata.${field}`, metadata[field] ?? '', 'field is immutable'));
  }
  if (old.deletionTimestamp !== undefined) {
    const added = list(metadata.finalizers).filter((finalizer) => !list(old.finalizers).includes(finalizer));
    if (added.length > 0) {
      const texts = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
      errors.push(forbiddenField('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers []string{${texts}}`));
    }
  }
  return errors;
}
