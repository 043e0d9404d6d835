import { decodeBFDProfile } from './bfdProfile.ts';
import { decodeBGPAdvertisement } from './bgpAdvertisement.ts';
import { decodeBGPPeer } from './bgpPeer.ts';
import { decodeCommunity } from './community.ts';
import { decodeConfigMap } from './configMap.ts';
import type { Decoding } from './decoding.ts';
import { decodeEndpoints } from './endpoints.ts';
import { decodeEndpointSlice } from './endpointSlice.ts';
import { decodeIngress } from './ingress.ts';
import { decodeIngressClass } from './ingressClass.ts';
import { decodeIPAddressPool } from './ipAddressPool.ts';
import { decodeL2Advertisement } from './l2Advertisement.ts';
import { decodeNamespace } from './namespace.ts';
import { decodeNode } from './node.ts';
import { decodeSecret } from './secret.ts';
import { decodeService } from './service.ts';
import { decodeServiceVIPStatus } from './serviceVipStatus.ts';
import { DNS_LABEL, DNS_SUBDOMAIN, type TextForm } from './textForm.ts';
import type { Kind, KubeObject } from '../model/objects.ts';

/** How objects of one kind are written, and what decodes them. */
export interface KindForm {
  readonly kind: Kind;
  readonly namespaced: boolean;
  /** The version to write. */
  readonly apiVersion: string;
  /** Versions that are still read, though Kubernetes no longer serves them. */
  readonly oldVersions: readonly string[];
  /** Versions of other products whose objects are read unchanged, without a word: their form is the same. */
  readonly foreignVersions: readonly string[];
  /** What else changes when an old version is rewritten, in words; empty: nothing. */
  readonly rewrite: string;
  /** Form of `metadata.name`. */
  readonly name: TextForm;
  /** Null when the object cannot be used at all; its faults are reported. */
  readonly decode: (decoding: Decoding) => KubeObject | null;
}

const CORE = { apiVersion: 'v1', oldVersions: [], foreignVersions: [], rewrite: '', name: DNS_SUBDOMAIN, namespaced: true } as const;

const OWN = { ...CORE, apiVersion: 'gatehouse.dev/v1', foreignVersions: ['metallb.io/v1beta1'] } as const;

/** Every kind that Gatehouse reads. */
export const KIND_FORMS: readonly KindForm[] = [
  {
    kind: 'Ingress',
    namespaced: true,
    apiVersion: 'networking.k8s.io/v1',
    oldVersions: ['networking.k8s.io/v1beta1', 'extensions/v1beta1'],
    foreignVersions: [],
    rewrite: ', with pathType on every path, backend.service.name and backend.service.port, spec.defaultBackend',
    name: DNS_SUBDOMAIN,
    decode: decodeIngress,
  },
  {
    kind: 'IngressClass',
    namespaced: false,
    apiVersion: 'networking.k8s.io/v1',
    oldVersions: ['networking.k8s.io/v1beta1'],
    foreignVersions: [],
    rewrite: '',
    name: DNS_SUBDOMAIN,
    decode: decodeIngressClass,
  },
  {
    kind: 'EndpointSlice',
    namespaced: true,
    apiVersion: 'discovery.k8s.io/v1',
    oldVersions: ['discovery.k8s.io/v1beta1'],
    foreignVersions: [],
    rewrite: ', with nodeName and zone in place of topology',
    name: DNS_SUBDOMAIN,
    decode: decodeEndpointSlice,
  },
  // The API server takes a DNS label that begins with a letter; newer ones any DNS label.
  { ...CORE, kind: 'Service', name: DNS_LABEL, decode: decodeService },
  { ...OWN, kind: 'IPAddressPool', decode: decodeIPAddressPool },
  { ...OWN, kind: 'L2Advertisement', decode: decodeL2Advertisement },
  { ...OWN, kind: 'BGPPeer', foreignVersions: ['metallb.io/v1beta2', 'metallb.io/v1beta1'], decode: decodeBGPPeer },
  { ...OWN, kind: 'BGPAdvertisement', decode: decodeBGPAdvertisement },
  { ...OWN, kind: 'BFDProfile', decode: decodeBFDProfile },
  { ...OWN, kind: 'Community', decode: decodeCommunity },
  { ...OWN, kind: 'ServiceVIPStatus', foreignVersions: [], decode: decodeServiceVIPStatus },
  { ...CORE, kind: 'Endpoints', decode: decodeEndpoints },
  { ...CORE, kind: 'Secret', decode: decodeSecret },
  { ...CORE, kind: 'ConfigMap', decode: decodeConfigMap },
  { ...CORE, kind: 'Namespace', namespaced: false, name: DNS_LABEL, decode: decodeNamespace },
  { ...CORE, kind: 'Node', namespaced: false, decode: decodeNode },
];

/**
 * Groups of Kubernetes itself and of Gatehouse: one of our kinds in a wrong one of them is a slip, in any other group it is
 * not ours, unless the kind names it.
 */
const OWN_GROUPS = new Set(['', 'apps', 'extensions', 'networking.k8s.io', 'discovery.k8s.io', 'gatehouse.dev']);

/** What `apiVersion` and `kind` of an object say about who reads it. */
export type KindMatch =
  | { readonly type: 'read'; readonly form: KindForm; readonly old: boolean }
  /** Ours by its kind, but not in this version or spelling. */
  | { readonly type: 'misspelt'; readonly form: KindForm; readonly field: 'apiVersion' | 'kind' }
  /** One that a product has given up whose other kinds are read: what to write instead. */
  | { readonly type: 'retired'; readonly instead: string }
  /** None that Gatehouse reads. */
  | { readonly type: 'foreign' };

/** `group kind`, lower case → what is written today. */
const RETIRED: ReadonlyMap<string, string> = new Map([
  // MetalLB before 0.14.
  ['metallb.io addresspool', 'an IPAddressPool, and an L2Advertisement or a BGPAdvertisement'],
]);

/** Finds the decoder for an object. */
export function matchKind(apiVersion: string, kind: string): KindMatch {
  const group = groupOf(apiVersion);
  const form = KIND_FORMS.find((candidate) => candidate.kind.toLowerCase() === kind.toLowerCase());
  if (form === undefined) {
    const instead = RETIRED.get(`${group} ${kind.toLowerCase()}`);
    return instead === undefined ? { type: 'foreign' } : { type: 'retired', instead };
  }
  const known = OWN_GROUPS.has(group) || form.foreignVersions.some((version) => groupOf(version) === group);
  if (!known) return { type: 'foreign' };
  if (form.kind !== kind) return { type: 'misspelt', form, field: 'kind' };
  if (form.apiVersion === apiVersion || form.foreignVersions.includes(apiVersion)) return { type: 'read', form, old: false };
  if (form.oldVersions.includes(apiVersion)) return { type: 'read', form, old: true };
  return { type: 'misspelt', form, field: 'apiVersion' };
}

/** What may be written for a kind in place of this version: ours, and those that the same group has. */
export function versionsIn(apiVersion: string, form: KindForm): readonly string[] {
  return [form.apiVersion, ...form.foreignVersions.filter((version) => groupOf(version) === groupOf(apiVersion))];
}

/** Empty for the core group. */
function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
