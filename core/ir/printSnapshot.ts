import type { Certificate } from './certificate.ts';
import type { Cluster } from './cluster.ts';
import type { L4Listener, L4Route } from './l4.ts';
import type { Settings } from './settings.ts';
import type { Snapshot } from './snapshot.ts';
import type { VirtualHost } from './virtualHost.ts';

/** What is shown of a certificate: field by field, so that a new field is not shown before somebody decides so. */
export type PrintedCertificate = Pick<Certificate, 'key' | 'fingerprint' | 'notAfterMs'>;

/** A snapshot as a plain JSON value. Lists, not objects, where keys come from outside (a host named `__proto__`). */
export interface PrintedSnapshot {
  readonly settings: Settings;
  /** By host. */
  readonly virtualHosts: readonly VirtualHost[];
  /** By key. */
  readonly clusters: readonly Cluster[];
  /** By key; without key and chain. */
  readonly certificates: readonly PrintedCertificate[];
  /** By server name. */
  readonly serverNames: readonly { readonly serverName: string; readonly certificate: string }[];
  /** By key. */
  readonly l4Listeners: readonly L4Listener[];
  /** By server name. */
  readonly passthrough: readonly { readonly serverName: string; readonly route: L4Route }[];
}

/** The snapshot for people and files: sorted, so that equal snapshots print equally, and without any private key. */
export function printSnapshot(snapshot: Snapshot): PrintedSnapshot {
  return {
    settings: snapshot.settings,
    virtualHosts: sortedValues(snapshot.virtualHosts),
    clusters: sortedValues(snapshot.clusters),
    certificates: sortedValues(snapshot.certificates).map(printCertificate),
    serverNames: sortedEntries(snapshot.serverNames).map(([serverName, certificate]) => ({ serverName, certificate })),
    l4Listeners: sortedValues(snapshot.l4Listeners),
    passthrough: sortedEntries(snapshot.passthrough).map(([serverName, route]) => ({ serverName, route })),
  };
}

function printCertificate({ key, fingerprint, notAfterMs }: Certificate): PrintedCertificate {
  return { key, fingerprint, notAfterMs };
}

function sortedEntries<K extends string, V>(map: ReadonlyMap<K, V>): [K, V][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function sortedValues<K extends string, V>(map: ReadonlyMap<K, V>): V[] {
  return sortedEntries(map).map(([, value]) => value);
}
