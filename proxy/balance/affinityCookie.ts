import { hash } from 'node:crypto';
import { normalizeHostName } from '../../core/net/hostPattern.ts';
import type { Cluster, CookieAffinity } from '../../core/ir/cluster.ts';
import { acceptsSameSiteNone } from './sameSite.ts';

/** An affinity cookie's value, `<session>|<hash of the cluster's name>`. */
export interface AffinitySession {
  /** Persistent: key of an endpoint. Balanced: a text to hash. Nothing of it is ever sent back. */
  readonly session: string;
  /** Null in cookies of the old form without that part: good for the endpoint, not for the choice of a cluster. */
  readonly clusterHash: string | null;
}

/** What a Set-Cookie text depends on beside the configuration. */
export interface CookieContext {
  /** Path of the route that matched. */
  readonly routePath: string;
  /** The client came over TLS. */
  readonly isHttps: boolean;
  readonly userAgent: string | undefined;
  /** ms since the epoch, for Expires. */
  readonly epochMs: number;
}

/** Longer values are nobody's cookie of ours. */
const MAX_VALUE_CHARS = 256;
const HASH_CHARS = 32;
/** End of the year 9999, the last that an HTTP date can say (RFC 9110 section 5.6.7). */
const LAST_DATE_MS = 253_402_300_799_000;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Opaque hex for a text: 128 bits of SHA-256, the same in every worker and on every node. */
export function opaqueHash(text: string): string {
  return hash('sha256', text, 'hex').slice(0, HASH_CHARS);
}

/** Second part of the cookies of a cluster. Of the Service and port, so that a change of policy keeps its sessions. */
export function clusterAffinityHash(cluster: Pick<Cluster, 'namespace' | 'service' | 'port'>): string {
  return opaqueHash(`${cluster.namespace}/${cluster.service}:${cluster.port}`);
}

/** Reads a cookie value; null: none, empty or too long. Any other text is a session, as it is with ingress-nginx. */
export function parseAffinityCookie(value: string | undefined): AffinitySession | null {
  if (value === undefined || value.length === 0 || value.length > MAX_VALUE_CHARS) return null;
  const bar = value.indexOf('|');
  if (bar === -1) return { session: value, clusterHash: null };
  return bar === 0 ? null : { session: value.slice(0, bar), clusterHash: value.slice(bar + 1) };
}

/**
 * Text of the Set-Cookie field for a value that `ClusterState.choose` asked to set. Null when the configured name is no
 * token (RFC 6265 section 4.1.1). Domain is left out when it is no host name, and everything in Path that could end the
 * attribute or the field is percent-encoded: whatever the configuration holds, it cannot add a field or an attribute.
 */
export function printAffinityCookie(affinity: CookieAffinity, value: string, context: CookieContext): string | null {
  if (!TOKEN.test(affinity.name)) return null;
  const expiresMs = context.epochMs + (affinity.expiresSeconds ?? 0) * 1000;
  const attributes = [
    `${affinity.name}=${value}`,
    affinity.expiresSeconds === null ? null : `Expires=${printDate(expiresMs)}`,
    affinity.maxAgeSeconds === null ? null : `Max-Age=${Math.trunc(affinity.maxAgeSeconds)}`,
    printDomain(affinity.domain),
    `Path=${printCookiePath(affinity.path ?? context.routePath)}`,
    affinity.secure === 'always' || context.isHttps ? 'Secure' : null,
    'HttpOnly',
    printSameSite(affinity, context.userAgent),
  ];
  return attributes.filter((attribute) => attribute !== null).join('; ');
}

function printDate(epochMs: number): string {
  return new Date(Math.min(Math.max(epochMs, 0), LAST_DATE_MS)).toUTCString();
}

function printDomain(domain: string | null): string | null {
  if (domain === null) return null;
  const name = normalizeHostName(domain.startsWith('.') ? domain.slice(1) : domain);
  return name === null ? null : `Domain=${name}`;
}

/** RFC 6265 path-value: any character but controls and `;`. Beyond ASCII the URL's own spelling is used. */
function printCookiePath(path: string): string {
  return path.replaceAll(/[^\x21-\x3a\x3c-\x7e]/gu, (char) => encodeOctets(char));
}

function encodeOctets(char: string): string {
  const octets = Array.from(Buffer.from(char, 'utf8'));
  return octets.map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function printSameSite(affinity: CookieAffinity, userAgent: string | undefined): string | null {
  if (affinity.sameSite === null) return null;
  const isDropped = affinity.sameSite === 'None' && affinity.conditionalSameSiteNone && !acceptsSameSiteNone(userAgent);
  return isDropped ? null : `SameSite=${affinity.sameSite}`;
}
