import { badRequest } from './apiError.ts';
import type { KubeObject } from './json.ts';

/** Whether an object is selected. */
export type Selector = (object: KubeObject) => boolean;

const QUALIFIED_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Reads a labelSelector: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`. Throws 400. */
export function parseLabelSelector(selector: string): Selector {
  const requirements = split(selector).map((part) => labelRequirement(part, selector));
  return (object) => requirements.every((requirement) => requirement(object.metadata.labels ?? {}));
}

type LabelRequirement = (labels: Readonly<Record<string, string>>) => boolean;

function split(selector: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of selector) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += character;
  }
  parts.push(part.trim());
  return selector.trim() === '' ? [] : parts;
}

function labelRequirement(part: string, selector: string): LabelRequirement {
  const wrong = (why: string): never => {
    throw badRequest(`unable to parse requirement: ${why} in ${JSON.stringify(selector)}`);
  };
  const checkKey = (key: string): string => (QUALIFIED_NAME.test(key) ? key : wrong(`<nil>: Invalid value: ${JSON.stringify(key)}: bad label key`));
  const checkValue = (value: string): string => (LABEL_VALUE.test(value) ? value : wrong(`invalid label value: ${JSON.stringify(value)}`));
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  if (set !== null) {
    const key = checkKey(set[1] ?? '');
    const values = (set[3] ?? '').split(',').map((value) => checkValue(value.trim()));
    const negated = set[2] === 'notin';
    return (labels) => {
      const value = own(labels, key);
      return value === undefined ? negated : values.includes(value) !== negated;
    };
  }
  const binary = /^([^=!<>\s]+)\s*(==|=|!=|<|>)\s*(.*)$/.exec(part);
  if (binary !== null) return compare(checkKey(binary[1] ?? ''), binary[2] ?? '=', checkValue(binary[3] ?? ''));
  if (part.startsWith('!')) {
    const key = checkKey(part.slice(1).trim());
    return (labels) => own(labels, key) === undefined;
  }
  const key = checkKey(part);
  return (labels) => own(labels, key) !== undefined;
}

function own(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function compare(key: string, operator: string, wanted: string): LabelRequirement {
  if (operator === '!=') return (labels) => own(labels, key) !== wanted;
  if (operator === '<' || operator === '>') {
    return (labels) => {
      const value = own(labels, key);
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      return operator === '<' ? Number(value) < Number(wanted) : Number(value) > Number(wanted);
    };
  }
  return (labels) => own(labels, key) === wanted;
}

/** One `field=value` of a fieldSelector. */
export interface FieldRequirement {
  readonly field: string;
  readonly negated: boolean;
  readonly value: string;
}

/** Reads a fieldSelector: `metadata.name=a,spec.type!=b`; `\,`, `\=` and `\\` are escapes. Throws 400. */
export function parseFieldSelector(selector: string): FieldRequirement[] {
  const parts = selector.match(/(?:\\.|[^,\\])+/g) ?? [];
  return parts.map((part) => {
    const found = /^((?:\\.|[^=!\\])*)(!=|==|=)([\s\S]*)$/.exec(part.trim());
    if (found === null) throw badRequest(`invalid selector: '${selector}'; can't understand '${part}'`);
    return { field: found[1] ?? '', negated: found[2] === '!=', value: (found[3] ?? '').replaceAll(/\\(.)/g, '$1') };
  });
}

/** Makes a selector of field requirements; `fields` say how the kind's selectable fields are read. Throws 400 for other fields. */
export function fieldSelector(
  requirements: readonly FieldRequirement[],
  fields: ReadonlyMap<string, (object: KubeObject) => string>,
): Selector {
  const checks = requirements.map(({ field, negated, value }) => {
    const read = fields.get(field);
    if (read === undefined) throw badRequest(`field label not supported: ${field}`);
    return (object: KubeObject): boolean => (read(object) === value) !== negated;
  });
  return (object) => checks.every((check) => check(object));
}
