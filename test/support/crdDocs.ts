import { isLabelSelector, readCrds, type Crd } from './crdFiles.ts';
import type { Schema } from '../apiserver/schema/schema.ts';

const WIDTH = 120;

/** Sections of docs/crds.md: kind → its fields, from the schema. */
export function crdSections(): ReadonlyMap<string, () => string> {
  return new Map(readCrds().map(({ crd, schema }) => [crd.spec.names.kind, () => kindText(crd, schema)]));
}

function kindText(crd: Crd, schema: Schema): string {
  const { plural, shortNames } = crd.spec.names;
  const names = [plural, ...shortNames].map((name) => `\`kubectl get ${name}\``).join(' or ');
  const columns = crd.spec.versions[0]?.additionalPrinterColumns.map(({ name }) => name).join(', ') ?? '';
  const fields = ['spec', 'status'].flatMap((part) => {
    const of = schema.properties?.[part];
    return of === undefined ? [] : fieldsText(part, of, schema.required?.includes(part) === true);
  });
  return `${wrap(schema.description ?? '', '')}\n\n${wrap(`${names}: ${columns}.`, '')}\n\n${fields.join('')}`;
}

/** An item for the field, and for those below it; conditions and selectors are the same everywhere. */
function fieldsText(path: string, schema: Schema, required: boolean): string[] {
  const head = `- \`${path}\` (${traits(schema, required).join('; ')})`;
  const rules = rulesOf(schema).map((rule) => `\n  - ${wrap(rule, '    ')}`);
  const own = `${head}\n  ${wrap(schema.description ?? '', '  ')}${rules.join('')}\n`;
  const below = path === 'status.conditions' || isSelector(schema) ? null : innerOf(schema);
  if (below === null) return [own];
  const place = schema.type === 'array' ? `${path}[]` : path;
  const inner = Object.entries(below.properties ?? {}).flatMap(([name, of]) =>
    fieldsText(`${place}.${name}`, of, below.required?.includes(name) === true),
  );
  return [own, ...inner];
}

function innerOf(schema: Schema): Schema | null {
  const inner = schema.type === 'array' ? schema.items : schema;
  return inner?.properties === undefined ? null : inner;
}

function isSelector(schema: Schema): boolean {
  return isLabelSelector(schema) || (schema.items !== undefined && isLabelSelector(schema.items));
}

function traits(schema: Schema, required: boolean): string[] {
  const { minimum, maximum, maxItems, maxLength } = schema;
  const found = [typeText(schema)];
  if (required) found.push('required');
  if (schema.default !== undefined) found.push(`default \`${JSON.stringify(schema.default)}\``);
  if (schema.enum !== undefined) found.push(schema.enum.map((word) => `\`${String(word)}\``).join(', '));
  if (minimum !== undefined || maximum !== undefined) found.push(`${minimum ?? ''} to ${maximum ?? ''}`.trim());
  if (maxItems !== undefined) found.push(`at most ${maxItems}${schema['x-kubernetes-list-type'] === 'atomic' ? '' : ', each once'}`);
  if (maxLength !== undefined && schema.enum === undefined) found.push(`at most ${maxLength} characters`);
  return found;
}

function typeText(schema: Schema): string {
  if (isLabelSelector(schema)) return '[label selector](#label-selectors)';
  if (schema.type !== 'array') return schema.type ?? '';
  const { items = {} } = schema;
  return isLabelSelector(items) ? 'list of [label selectors](#label-selectors)' : `list of ${items.type ?? ''}s`;
}

/** Rules of the field and of the entries of a list; the empty one says nothing. */
function rulesOf(schema: Schema): string[] {
  const own = schema['x-kubernetes-validations'] ?? [];
  const entries = schema.type === 'array' && !isSelector(schema) ? (schema.items?.['x-kubernetes-validations'] ?? []) : [];
  const said = [...own, ...entries].map(({ message, messageExpression, fieldPath }) => {
    const subject = fieldPath === undefined ? '' : `\`${fieldPath.slice(1)}\`: `;
    return `${subject}${message ?? `\`${messageExpression ?? ''}\``}`;
  });
  return said.map((rule) => `Rule: ${rule}.`);
}

function wrap(text: string, indent: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > WIDTH - indent.length) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(`\n${indent}`);
}
