import type { X509Certificate } from 'node:crypto';
import { entryOf, isPlainMap } from '../../decode/plainMap.ts';
import { printBundle, readBundle } from './authorityBundle.ts';

/** What is read of a ValidatingWebhookConfiguration. */
export interface WebhookConfiguration {
  readonly resourceVersion: string;
  /** In order; each with the authorities that its `clientConfig.caBundle` trusts. */
  readonly webhooks: readonly { readonly name: string; readonly trusted: readonly X509Certificate[] }[];
}

/** One operation of a JSON patch (RFC 6902). */
export interface PatchOperation {
  readonly op: 'test' | 'add' | 'replace';
  readonly path: string;
  readonly value: string;
}

/** The API server takes more; nobody needs more. */
const MAX_WEBHOOKS = 100;

/** Reads the answer of the API server; null when it is no such object. */
export function readWebhookConfiguration(value: unknown): WebhookConfiguration | null {
  if (!isPlainMap(value)) return null;
  const metadata = entryOf(value, 'metadata');
  const webhooks = entryOf(value, 'webhooks') ?? [];
  const resourceVersion = isPlainMap(metadata) ? entryOf(metadata, 'resourceVersion') : undefined;
  if (typeof resourceVersion !== 'string' || !Array.isArray(webhooks)) return null;
  return { resourceVersion, webhooks: webhooks.slice(0, MAX_WEBHOOKS).map(readWebhook) };
}

/** Authorities that every webhook of the configuration trusts; where they differ, nobody: so that all are written anew. */
export function commonlyTrusted({ webhooks }: WebhookConfiguration): readonly X509Certificate[] {
  const prints = webhooks.map(({ trusted }) => printsOf(trusted));
  return new Set(prints).size === 1 ? (webhooks[0]?.trusted ?? []) : [];
}

/** The patch that makes all webhooks trust the bundle, as long as nobody else has written meanwhile. */
export function trustPatch(
  { resourceVersion, webhooks }: WebhookConfiguration,
  authorities: readonly X509Certificate[],
): readonly PatchOperation[] {
  const value = Buffer.from(printBundle(authorities)).toString('base64');
  return [
    // Another version than the present one is a conflict: the places of the webhooks may then be others.
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    ...webhooks.map((_, index) => ({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value }) as const),
  ];
}

/** Equal for lists of the same certificates. */
export function printsOf(certificates: readonly X509Certificate[]): string {
  return certificates.map(({ fingerprint256 }) => fingerprint256).toSorted().join();
}

function readWebhook(value: unknown): WebhookConfiguration['webhooks'][number] {
  const name = isPlainMap(value) ? entryOf(value, 'name') : undefined;
  const clientConfig = isPlainMap(value) ? entryOf(value, 'clientConfig') : undefined;
  const bundle = isPlainMap(clientConfig) ? entryOf(clientConfig, 'caBundle') : undefined;
  const trusted = typeof bundle === 'string' ? readBundle(Buffer.from(bundle, 'base64')).authorities : [];
  return { name: typeof name === 'string' ? name : '', trusted };
}
