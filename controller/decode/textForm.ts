import { isIP } from 'node:net';

/** A form that a text must have, with its rule in words for problems. */
export interface TextForm {
  readonly rule: string;
  matches(text: string): boolean;
}

const MAX_LABEL_CHARS = 63;
const MAX_SUBDOMAIN_CHARS = 253;
const MAX_PORT_NAME_CHARS = 15;

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED_PART = /^[A-Za-z0-9](?:[-_.A-Za-z0-9]*[A-Za-z0-9])?$/;
const DATA_KEY_CHARS = /^[-._a-zA-Z0-9]+$/;

/** RFC 1123 label: names of Services, Namespaces, ports. */
export const DNS_LABEL: TextForm = {
  rule: 'must be a DNS label: lower-case letters, digits and "-", at most 63 characters',
  matches: (text) => text.length <= MAX_LABEL_CHARS && LABEL.test(text),
};

/** RFC 1123 subdomain as Kubernetes reads it; labels of it may be longer than 63 characters. Names of most kinds. */
export const DNS_SUBDOMAIN: TextForm = {
  rule: 'must be a DNS name: lower-case letters, digits, "-" and ".", at most 253 characters',
  matches: (text) => text.length <= MAX_SUBDOMAIN_CHARS && text.split('.').every((label) => LABEL.test(label)),
};

/** A DNS label, or the empty text that stands for no name. */
export const OPTIONAL_DNS_LABEL: TextForm = {
  rule: DNS_LABEL.rule,
  matches: (text) => text === '' || DNS_LABEL.matches(text),
};

/** IANA service name (RFC 6335 section 5.1) in lower case: what may stand where a port number may. */
export const PORT_NAME: TextForm = {
  rule: 'must be a port name: lower-case letters, digits and single "-", at least one letter, at most 15 characters',
  matches: (text) =>
    text.length <= MAX_PORT_NAME_CHARS && LABEL.test(text) && /[a-z]/.test(text) && !text.includes('--'),
};

/** Key of a label. */
export const LABEL_KEY: TextForm = {
  rule: 'must be "name" or "prefix/name" of letters, digits, "-", "_" and ".", the name at most 63 characters',
  matches: isQualifiedName,
};

/** Key of an annotation: as of a label, but case is free in the prefix too. */
export const ANNOTATION_KEY: TextForm = {
  rule: LABEL_KEY.rule,
  matches: (text) => isQualifiedName(text.toLowerCase()),
};

/** Value of a label. */
export const LABEL_VALUE: TextForm = {
  rule: 'must be at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit',
  matches: (text) => text === '' || (text.length <= MAX_LABEL_CHARS && QUALIFIED_PART.test(text)),
};

/** Key of Secret and ConfigMap data; `.` and everything that begins with `..` are reserved. */
export const DATA_KEY: TextForm = {
  rule: 'must be a key of letters, digits, "-", "_" and ".", at most 253 characters, not beginning with ".."',
  matches: (text) =>
    text.length <= MAX_SUBDOMAIN_CHARS && DATA_KEY_CHARS.test(text) && text !== '.' && !text.startsWith('..'),
};

/** An IPv4 or IPv6 address without a zone. */
export const IP_ADDRESS: TextForm = {
  rule: 'must be an IP address',
  matches: (text) => isIP(text) !== 0 && !text.includes('%'),
};

/** Any text at all. */
export const ANY_TEXT: TextForm = { rule: 'must be a string', matches: () => true };

/** Null when `value` is a text of this form, else the rule it breaks. */
export function textFault(value: unknown, form: TextForm): string | null {
  if (typeof value === 'string') return form.matches(value) ? null : form.rule;
  const quotable = typeof value === 'number' || typeof value === 'boolean';
  return quotable ? 'must be a string: put the value in quotes' : 'must be a string';
}

function isQualifiedName(text: string): boolean {
  const slash = text.indexOf('/');
  const name = text.slice(slash + 1);
  if (slash !== -1 && !DNS_SUBDOMAIN.matches(text.slice(0, slash))) return false;
  return name.length <= MAX_LABEL_CHARS && QUALIFIED_PART.test(name);
}
