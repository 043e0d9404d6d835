import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { IPAddressPool } from './addressPool.ts';
import type { BGPAdvertisement, Community, L2Advertisement } from './advertisements.ts';
import type { BFDProfile, BGPPeer } from './bgpPeer.ts';
import type { EndpointSlice, Endpoints } from './endpoints.ts';
import type { Ingress, IngressClass } from './ingress.ts';
import type { ObjectBase } from './objectBase.ts';
import type { Service, ServiceVIPStatus } from './service.ts';

export interface Secret extends ObjectBase {
  readonly kind: 'Secret';
  readonly type: string;
  /** key → octets, base64 already decoded; stringData merged in. Never logged. */
  readonly data: ReadonlyMap<string, Buffer>;
}

export interface ConfigMap extends ObjectBase {
  readonly kind: 'ConfigMap';
  readonly data: ReadonlyMap<string, string>;
}

export interface Namespace extends ObjectBase {
  readonly kind: 'Namespace';
}

export interface Node extends ObjectBase {
  readonly kind: 'Node';
  readonly internalIPs: readonly string[];
  readonly unschedulable: boolean;
  /** Condition type → status (`True`, `False`, `Unknown`). */
  readonly conditions: ReadonlyMap<string, string>;
}

/**
 * Own types for the Kubernetes objects Gatehouse reads, decoded once at the edge (controller/decode). Only fields that
 * something uses. Maps for labels, annotations and data: their keys come from outside.
 */
export type KubeObject =
  | Ingress
  | IngressClass
  | Service
  | EndpointSlice
  | Endpoints
  | Secret
  | ConfigMap
  | IPAddressPool
  | L2Advertisement
  | BGPPeer
  | BGPAdvertisement
  | BFDProfile
  | Community
  | ServiceVIPStatus
  | Namespace
  | Node;

export type Kind = KubeObject['kind'];

/** The reference that names an object. */
export function refOf(object: KubeObject): ObjectRef {
  return { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name };
}
