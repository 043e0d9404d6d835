import type { Certificate } from '../../core/ir/certificate.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { Snapshot } from '../../core/ir/snapshot.ts';
import type { ObjectIndex } from '../model/store.ts';

/** What translation is told besides the objects; fixed for the life of the process. */
export interface TranslateOptions {
  /** Value of IngressClass.spec.controller that is ours; also `k8s.io/ingress-nginx`, so that its users' classes work. */
  readonly controllerNames: readonly string[];
  /** Names accepted in ingressClassName without an IngressClass object, and in the legacy annotation (`--ingress-class`). */
  readonly ingressClasses: readonly string[];
  /** Take Ingresses that name no class even when no default class exists (`--watch-ingress-without-class`). */
  readonly watchWithoutClass: boolean;
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  readonly allowExternalName: boolean;
  /**
   * Backends may be on this very machine. True for manifest files, whose owner runs it; in a cluster a Service must not
   * turn the proxy into a way to its own node (CVE-2021-25740).
   */
  readonly allowLocalBackends: boolean;
  /** `namespace/name` of an ingress-nginx style ConfigMap (`--configmap`); null: none. */
  readonly configMap: string | null;
  /** CIDRs given by `--trusted-proxies`, added to what the ConfigMap says. */
  readonly trustedProxies: readonly string[];
  /** For names that no Secret covers. */
  readonly defaultCertificate: Certificate;
  /** Wall clock, ms since the epoch: decides which certificates have expired. */
  readonly nowMs: number;
}

/** What status views and, in a cluster, the status writer show of one Ingress. */
export interface IngressStatus {
  readonly ref: ObjectRef;
  /** Class that made it ours: a name, or empty for a default taken without one. */
  readonly class: string;
  readonly hosts: readonly string[];
  /** Hosts with a certificate of their own. */
  readonly tlsHosts: readonly string[];
}

export interface Translation {
  readonly snapshot: Snapshot;
  readonly ingresses: readonly IngressStatus[];
  readonly problems: readonly Problem[];
}

/** Objects to snapshot: pure, deterministic, independent of the order in which objects came. */
export type Translate = (objects: ObjectIndex, options: TranslateOptions) => Translation;
