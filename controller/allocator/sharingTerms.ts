import { createHash } from 'node:crypto';
import { compareText } from '../translate/ingressAge.ts';
import type { Service } from '../model/service.ts';

/** What a Service must have in common with others to share an address with them, and what it must not. */
export interface SharingTerms {
  /** Value of allow-shared-ip; empty: it shares with nobody. */
  readonly key: string;
  /**
   * What must be equal besides the key: empty for externalTrafficPolicy Cluster, else the selector. A node that has Pods of one
   * Local Service has them for the other only if both select the same ones.
   */
  readonly backend: string;
  /** `TCP/80`: what must differ. */
  readonly ports: readonly string[];
}

/** Why two Services may not share an address. */
export type SharingRefusal =
  { readonly reason: 'noKey' | 'otherKey' | 'trafficPolicy' } | { readonly reason: 'port'; readonly port: string };

/** Who asks for an address, and on which terms. */
export interface Claimant {
  /** `namespace/name` of the Service. */
  readonly key: string;
  readonly sharing: SharingTerms;
}

/** Why an address cannot be had, and `namespace/name` of the Service that is in the way. */
export type InUse = SharingRefusal & { readonly by: string };

const NOT_SHARED: SharingTerms = { key: '', backend: '', ports: [] };
const FINGERPRINT_CHARS = 12;

/** The terms of a Service with this key. Ports matter only to those who share. */
export function sharingTermsOf(service: Service, key: string): SharingTerms {
  if (key === '') return NOT_SHARED;
  return { key, backend: backendOf(service), ports: service.ports.map(({ protocol, port }) => `${protocol}/${port}`) };
}

/** Equal for equal terms; undefined for a Service that shares with nobody. */
export function fingerprintOf(terms: SharingTerms): string | undefined {
  if (terms.key === '') return undefined;
  const text = JSON.stringify([terms.key, terms.backend, terms.ports.toSorted(compareText)]);
  return createHash('sha256').update(text).digest('hex').slice(0, FINGERPRINT_CHARS);
}

function backendOf(service: Service): string {
  if (service.externalTrafficPolicy === 'Cluster' || service.selector.size === 0) return '';
  return JSON.stringify([...service.selector].toSorted(([a], [b]) => compareText(a, b)));
}
