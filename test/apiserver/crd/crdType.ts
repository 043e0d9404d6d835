import { invalidValue, required, type FieldError } from '../fieldError.ts';
import { at, isRecord, list, record, records, text, type JsonObject, type KubeObject } from '../json.ts';
import { define } from '../builtins/define.ts';
import { anything, boolean, conditions, listOf, object, setOf, string } from '../builtins/shapes.ts';
import type { ResourceType } from '../resourceType.ts';
import { NAME, column } from '../tables/columns.ts';
import { structuralErrors } from './structural.ts';

const names = object({ plural: string, singular: string, shortNames: listOf(string), kind: string, listKind: string, categories: listOf(string) });

const schema = object({
  spec: object({
    group: string, names, scope: string, preserveUnknownFields: boolean, conversion: anything,
    versions: listOf(object({
      name: string, served: boolean, storage: boolean, deprecated: boolean, deprecationWarning: string, schema: anything, subresources: anything,
      additionalPrinterColumns: listOf(anything), selectableFields: listOf(anything),
    })),
  }),
  status: object({ conditions, acceptedNames: names, storedVersions: { ...setOf(string), 'x-kubernetes-list-type': 'atomic' } }),
});

/** apiextensions.k8s.io/v1 CustomResourceDefinition. */
export const CRD_TYPE: ResourceType = define({
  group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition', plural: 'customresourcedefinitions', shortNames: ['crd', 'crds'],
  categories: ['api-extensions'], namespaced: false, hasStatus: true, hasGeneration: true, unconditionalUpdate: false, schema,
  columns: [NAME, column('Created At', ({ metadata }) => metadata.creationTimestamp)],
  strategy: {
    setDefaults(crd) {
      const spec = record(crd['spec']);
      const own = record(spec['names']);
      if (text(own['kind']) !== '') {
        own['singular'] ??= text(own['kind']).toLowerCase();
        own['listKind'] ??= `${text(own['kind'])}List`;
      }
      spec['conversion'] ??= { strategy: 'None' };
    },
    prepare(crd, old) {
      if (old !== null) return;
      const storage = records(at(crd, 'spec', 'versions')).find((version) => version['storage'] === true);
      crd['status'] = { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: storage === undefined ? [] : [text(storage['name'])] };
    },
    validate: crdErrors,
  },
});

function crdErrors(crd: KubeObject, old: KubeObject | null): FieldError[] {
  const spec = record(crd['spec']);
  const errors: FieldError[] = [];
  const plural = text(at(spec, 'names', 'plural'));
  const wanted = `${plural}.${text(spec['group'])}`;
  if (text(spec['group']) === '') errors.push(required('spec.group'));
  else if (!text(spec['group']).includes('.')) errors.push(invalidValue('spec.group', spec['group'], 'should be a domain with at least one dot'));
  if (plural === '') errors.push(required('spec.names.plural'));
  if (text(at(spec, 'names', 'kind')) === '') errors.push(required('spec.names.kind'));
  if (crd.metadata.name !== wanted) errors.push(invalidValue('metadata.name', crd.metadata.name, `must be spec.names.plural+"."+spec.group`));
  if (spec['scope'] !== 'Namespaced' && spec['scope'] !== 'Cluster') {
    errors.push(text(spec['scope']) === '' ? required('spec.scope') : invalidValue('spec.scope', spec['scope'], 'supported values: "Cluster", "Namespaced"'));
  }
  if (old !== null && at(old, 'spec', 'scope') !== spec['scope']) errors.push(invalidValue('spec.scope', spec['scope'], 'field is immutable'));
  if (old !== null && at(old, 'spec', 'names', 'kind') !== at(spec, 'names', 'kind')) errors.push(invalidValue('spec.names.kind', at(spec, 'names', 'kind'), 'field is immutable'));
  return [...errors, ...versionsErrors(records(spec['versions']), old)];
}

function versionsErrors(versions: readonly JsonObject[], old: KubeObject | null): FieldError[] {
  const errors: FieldError[] = [];
  if (versions.filter((version) => version['storage'] === true).length !== 1) errors.push(invalidValue('spec.versions', versions.map(({ name }) => name), 'must have exactly one version marked as storage version'));
  for (const [index, version] of versions.entries()) {
    const path = `spec.versions[${index}]`;
    const schema = at(version, 'schema', 'openAPIV3Schema');
    if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text(version['name']))) errors.push(invalidValue(`${path}.name`, version['name'], 'a DNS-1035 label must consist of lower case alphanumeric characters'));
    if (!isRecord(schema)) errors.push(required(`${path}.schema.openAPIV3Schema`, 'schemas are required'));
    else errors.push(...structuralErrors(schema, `${path}.schema.openAPIV3Schema`));
    for (const [column, one] of records(version['additionalPrinterColumns']).entries()) {
      if (!text(one['jsonPath']).startsWith('.')) errors.push(invalidValue(`${path}.additionalPrinterColumns[${column}].jsonPath`, one['jsonPath'], 'must be a simple json path starting with .'));
    }
  }
  const kept = new Set(versions.map(({ name }) => name));
  const missing = list(at(old, 'status', 'storedVersions')).filter((name) => !kept.has(name));
  for (const name of missing) errors.push(invalidValue('status.storedVersions[0]', name, 'must appear in spec.versions'));
  return errors;
}
