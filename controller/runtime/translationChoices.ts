import type { Certificate } from '../../core/ir/certificate.ts';
import { LOAD_BALANCER_CLASS } from '../allocator/serviceWish.ts';
import type { TranslateOptions } from '../translate/translation.ts';

/** What the person who starts Gatehouse decides about translation. */
export type TranslationChoices = Omit<TranslateOptions, 'defaultCertificate' | 'nowMs' | keyof FoundFacts>;

/** What is found out rather than decided. */
export type FoundFacts = Pick<TranslateOptions, 'assignments' | 'allocation' | 'localAddresses' | 'l4Addresses' | 'reserved' | 'nodeName' | 'kernelRefusal' | 'leaseRefusal'>;

/** For a translation on no machine in particular, and for the first time. */
const NOTHING_FOUND: FoundFacts = {
  assignments: new Map(),
  allocation: 'give',
  localAddresses: [],
  l4Addresses: ['0.0.0.0'],
  reserved: [],
  nodeName: '',
  kernelRefusal: null,
  leaseRefusal: null,
};

/** IngressClass.spec.controller values that are ours; the second, so that ingress-nginx's classes work as they stand. */
const CONTROLLER_NAMES = ['gatehouse.dev/ingress', 'k8s.io/ingress-nginx'] as const;

/**
 * The choices when nothing is said. A folder of manifests holds what its owner wants served, so Ingresses without a class are
 * taken and backends may be on this machine; in a cluster, where others have theirs, it is not so.
 */
export const DEFAULT_TRANSLATION: TranslationChoices = {
  controllerNames: CONTROLLER_NAMES,
  allowLocalBackends: true,
  loadBalancerClass: { name: LOAD_BALANCER_CLASS, required: false },
  openelbOptIn: false,
  ingressClasses: ['gatehouse', 'nginx'],
  watchWithoutClass: true,
  watchNamespaces: [],
  allowExternalName: false,
  configMap: null,
  trustedProxies: [],
  vips: 'auto',
  peers: [],
  cordonMovesVips: false,
  publishService: null,
  tcpServices: null,
  udpServices: null,
};

/** Complete options for one translation at `nowMs` (wall clock); what is not found is taken as on a machine without addresses. */
export function translateOptions(
  choices: TranslationChoices,
  defaultCertificate: Certificate,
  nowMs: number,
  found: Partial<FoundFacts> = {},
): TranslateOptions {
  return { ...choices, ...NOTHING_FOUND, ...found, defaultCertificate, nowMs };
}
