import { invalidValue, type FieldError } from './fieldError.ts';
import type { ResourceType } from './resourceType.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SERVICE_NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character " +
  "(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const SERVICE_TEXT =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric " +
  "character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

const RULES = {
  label: { expression: LABEL, limit: 63, message: LABEL_TEXT },
  subdomain: { expression: SUBDOMAIN, limit: 253, message: SUBDOMAIN_TEXT },
  serviceName: { expression: SERVICE_NAME, limit: 63, message: SERVICE_TEXT },
  pathSegment: { expression: /^(?!\.{1,2}$)[^/%]+$/, limit: 253, message: "may not contain '/' or '%'" },
} as const;

/** Faults of a name by one of the rules of Kubernetes. */
export function nameErrors(rule: ResourceType['nameRule'], field: string, name: string): FieldError[] {
  const { expression, limit, message } = RULES[rule];
  const errors: FieldError[] = [];
  if (name.length > limit) errors.push(invalidValue(field, name, `must be no more than ${limit} characters`));
  if (!expression.test(name)) errors.push(invalidValue(field, name, message));
  return errors;
}

/** Whether it is a DNS-1123 subdomain of at most 253 characters. */
export function isSubdomain(name: string): boolean {
  return name.length <= 253 && SUBDOMAIN.test(name);
}

/** Whether it is a DNS-1123 label. */
export function isLabel(name: string): boolean {
  return name.length <= 63 && LABEL.test(name);
}

const SUFFIX_CHARACTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** A name from `metadata.generateName`: cut to 58 characters, plus five. */
export function generateName(prefix: string): string {
  const suffix = Array.from({ length: 5 }, () => SUFFIX_CHARACTERS[Math.floor(Math.random() * SUFFIX_CHARACTERS.length)] ?? 'x');
  return `${prefix.slice(0, 58)}${suffix.join('')}`;
}

const QUALIFIED_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

/** Why it is no qualified name (`prefix/name`); null: it is one. */
export function qualifiedNameFault(name: string): string | null {
  const parts = name.split('/');
  const part = parts.at(-1) ?? '';
  if (parts.length > 2) return 'a qualified name must consist of alphanumeric characters, with an optional DNS subdomain prefix and \'/\'';
  if (parts.length === 2 && !isSubdomain((parts[0] ?? '').toLowerCase())) return `prefix part ${SUBDOMAIN_TEXT}`;
  if (part.length > 63) return 'name part must be no more than 63 characters';
  if (part === '') return 'name part must be non-empty';
  if (QUALIFIED_PART.test(part)) return null;
  return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
}

/** Faults of labels and annotations (apimachinery ValidateObjectMeta). */
export function mapErrors(labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>>): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels)) {
    const fault = qualifiedNameFault(key);
    if (fault !== null) errors.push(invalidValue('metadata.labels', key, fault));
    if (value.length > 63) errors.push(invalidValue('metadata.labels', value, 'must be no more than 63 characters'));
    if (!LABEL_VALUE.test(value)) {
      errors.push(invalidValue('metadata.labels', value, "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
        "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"));
    }
  }
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    const fault = qualifiedNameFault(key.toLowerCase());
    if (fault !== null) errors.push(invalidValue('metadata.annotations', key, fault));
  }
  if (bytes > 256 * 1024) errors.push({ rule: 'tooLong', field: 'metadata.annotations', detail: 'may not be more than 262144 bytes' });
  return errors;
}
