import { CHAIN_FIELD, warning, type CertificateFault } from './certificateFault.ts';
import { parseHostPattern, wildcardOf, type HostPattern } from '../../core/net/hostPattern.ts';
import { printValue } from '../../core/ir/problem.ts';
import type { X509Certificate } from 'node:crypto';

/** The DNS names a certificate is for: lower case, `*.` only as the whole first label. */
export interface CertificateNames {
  readonly names: readonly string[];
  readonly faults: readonly CertificateFault[];
}

/** More names than any public authority puts in (100); what comes after is not looked at. */
const MAX_NAMES = 1000;

/**
 * True when a certificate with these names is good for `host`: the name itself, or the wildcard with one label in its place
 * (RFC 9525 6.3). A host pattern `*.a.test` needs the name `*.a.test`; the pattern for every host is never covered.
 */
export function certificateCovers(names: readonly string[], host: HostPattern): boolean {
  const wildcard = wildcardOf(host);
  return names.some((name) => {
    const folded = name.toLowerCase();
    return folded === host || folded === wildcard;
  });
}

/**
 * Reads the DNS names of subjectAltName; of the subject's common name only when there is none, as ingress-nginx does.
 * A name with anything but letters, digits, hyphen and underscore in its labels is left out and reported: NUL, non-ASCII and
 * partial wildcards never match a host.
 */
export function namesOf(leaf: X509Certificate): CertificateNames {
  const names = new Set<string>();
  const faults: CertificateFault[] = [];
  const alternatives = dnsNamesOf(leaf.subjectAltName ?? '');
  for (const written of alternatives.slice(0, MAX_NAMES)) addName(written, names, faults);
  if (alternatives.length > MAX_NAMES) {
    faults.push(nameFault(`must hold at most ${MAX_NAMES} names`, `${alternatives.length}`, 'the names after them are ignored'));
  }
  if (alternatives.length === 0) addCommonName(leaf, names, faults);
  if (names.size === 0) faults.push(nameFault('must name a DNS host', '', 'it covers no host'));
  return { names: [...names], faults };
}

function addCommonName(leaf: X509Certificate, names: Set<string>, faults: CertificateFault[]): void {
  const commonName = commonNameOf(leaf.subject ?? '');
  if (commonName === null) return;
  addName(commonName, names, faults);
  if (names.size === 0) return;
  const effect = 'the common name is used, but today\'s clients ignore it and refuse the certificate';
  faults.push(nameFault('must name its hosts in subjectAltName', printValue(commonName), effect));
}

function addName(written: string, names: Set<string>, faults: CertificateFault[]): void {
  const name = written === '' ? null : parseHostPattern(written);
  if (name !== null) names.add(name);
  else faults.push(nameFault('names must be DNS names', printValue(written), 'this name is ignored'));
}

function nameFault(rule: string, value: string, effect: string): CertificateFault {
  return warning(CHAIN_FIELD, rule, value, effect);
}

/**
 * DNS entries of the text Node prints for subjectAltName: `DNS:a.test, IP Address:::1, DNS:"odd"`. A value that holds anything
 * ambiguous is a JSON string there, so a separator inside quotes ends nothing.
 */
function dnsNamesOf(alternatives: string): string[] {
  const found: string[] = [];
  let start = 0;
  while (start < alternatives.length) {
    const end = entryEnd(alternatives, start);
    const entry = alternatives.slice(start, end);
    if (entry.startsWith('DNS:')) found.push(entry.slice('DNS:'.length));
    start = end + ', '.length;
  }
  return found;
}

function entryEnd(text: string, start: number): number {
  let quoted = false;
  for (let index = start; index < text.length; index += 1) {
    const char = text[index];
    if (quoted && char === '\\') index += 1;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && char === ',') return index;
  }
  return text.length;
}

/** The last common name of a subject printed one attribute per line; null when there is none. Control characters are escaped there. */
function commonNameOf(subject: string): string | null {
  const line = subject.split('\n').findLast((attribute) => attribute.startsWith('CN='));
  return line === undefined ? null : line.slice('CN='.length);
}
