import type { LoadBalancerIngress, ObjectBase } from './objectBase.ts';

export interface IngressBackendService {
  readonly type: 'service';
  readonly service: string;
  /** A number or a port name. */
  readonly port: { readonly type: 'number'; readonly number: number } | { readonly type: 'name'; readonly name: string };
}

/** A typed local reference to something that is no Service; Gatehouse refuses it. */
export interface IngressBackendResource {
  readonly type: 'resource';
  readonly apiGroup: string;
  readonly kind: string;
  readonly name: string;
}

export type IngressBackend = IngressBackendService | IngressBackendResource;

export interface IngressPath {
  /** `/` when the manifest leaves it out. */
  readonly path: string;
  readonly pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  readonly backend: IngressBackend;
  /** Field path in the object, `spec.rules[0].http.paths[1]`. */
  readonly field: string;
}

export interface IngressRule {
  /** As written; empty: every host. */
  readonly host: string;
  /** Null when the rule has no `http` block: a catch-all for the host. */
  readonly paths: readonly IngressPath[] | null;
  readonly field: string;
}

export interface IngressTls {
  readonly hosts: readonly string[];
  /** Empty: the default certificate. */
  readonly secretName: string;
  readonly field: string;
}

export interface Ingress extends ObjectBase {
  readonly kind: 'Ingress';
  /** Null when not set. */
  readonly ingressClassName: string | null;
  readonly defaultBackend: IngressBackend | null;
  readonly rules: readonly IngressRule[];
  readonly tls: readonly IngressTls[];
  readonly statusLoadBalancer: readonly LoadBalancerIngress[];
}

export interface IngressClass extends ObjectBase {
  readonly kind: 'IngressClass';
  readonly controller: string;
  /** Annotation ingressclass.kubernetes.io/is-default-class. */
  readonly isDefault: boolean;
}
