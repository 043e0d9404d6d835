import type { Certificate } from '../../core/ir/certificate.ts';
import type { TranslateOptions } from '../translate/translation.ts';

/** What the person who starts Gatehouse decides about translation. */
export type TranslationChoices = Omit<TranslateOptions, 'controllerNames' | 'allowLocalBackends' | 'defaultCertificate' | 'nowMs'>;

/** IngressClass.spec.controller values that are ours; the second, so that ingress-nginx's classes work as they stand. */
const CONTROLLER_NAMES = ['gatehouse.dev/ingress', 'k8s.io/ingress-nginx'] as const;

/**
 * The choices when nothing is said. A folder of manifests holds what its owner wants served, so Ingresses without a
 * class are taken; in a cluster, where others have theirs, they would not be.
 */
export const DEFAULT_TRANSLATION: TranslationChoices = {
  ingressClasses: ['gatehouse', 'nginx'],
  watchWithoutClass: true,
  watchNamespaces: [],
  allowExternalName: false,
  configMap: null,
  trustedProxies: [],
};

/** Complete options for one translation at `nowMs` (wall clock). */
export function translateOptions(choices: TranslationChoices, defaultCertificate: Certificate, nowMs: number): TranslateOptions {
  return { ...choices, controllerNames: CONTROLLER_NAMES, allowLocalBackends: true, defaultCertificate, nowMs };
}
