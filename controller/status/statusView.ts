import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { ListenerProtocol } from '../../core/ipc/messages.ts';
import type { SourcePosition } from '../../core/ir/problem.ts';

/** One address that is listened on; `port` is the one the system chose where 0 was asked for. */
export interface ListenerView {
  readonly protocol: ListenerProtocol;
  readonly address: string;
  readonly port: number;
}

/** One node of the cluster, or the machine itself where there is none. */
export interface NodeView {
  readonly name: string;
  readonly addresses: readonly string[];
  /** This process runs on it. */
  readonly self: boolean;
}

/** A Service of type LoadBalancer. */
export interface ServiceView {
  readonly namespace: string;
  readonly name: string;
  /** Empty: none assigned. */
  readonly addresses: readonly string[];
  readonly pool: string | null;
  readonly forwarding: 'kernel' | 'proxy' | 'none';
  /** Why it is forwarded that way, or has no address, in words for people. */
  readonly reason: string;
  /** Node that answers for the addresses; null: none does. */
  readonly owner: string | null;
  /** Names of this node's interfaces that answer for them. */
  readonly interfaces: readonly string[];
  /** BGPPeers that this node has announced them to, `namespace/name`. */
  readonly peers: readonly string[];
  readonly ports: readonly {
    readonly port: number;
    readonly protocol: string;
    readonly name: string;
    /** Ready endpoints behind it; null: those of the Ingresses. */
    readonly endpoints: number | null;
  }[];
}

export interface IngressView {
  readonly namespace: string;
  readonly name: string;
  /** Empty: taken without a class. */
  readonly class: string;
  readonly addresses: readonly string[];
  readonly hosts: readonly string[];
  /** Hosts with a certificate of their own. */
  readonly tlsHosts: readonly string[];
}

export interface ProblemView {
  readonly severity: 'error' | 'warning';
  readonly object: ObjectRef | null;
  readonly position: SourcePosition | null;
  readonly field: string;
  readonly rule: string;
  readonly value: string;
  readonly effect: string;
}

/** Answer of `GET /api/v1/status`: what is served where, and what is wrong. */
export interface StatusView {
  readonly version: string;
  /** The first snapshot serves on every worker, and the process is not draining. */
  readonly ready: boolean;
  /** Of the newest snapshot. */
  readonly generation: number;
  /** Of the newest snapshot that every worker serves. */
  readonly appliedGeneration: number;
  /** Kinds of objects that the API server has not listed yet; nothing is served before the first of all lists is complete. */
  readonly waitingFor: readonly string[];
  /** Who gives addresses and writes statuses: `name` null while nobody is known to. Null: there is no election. */
  readonly leader: { readonly name: string | null; readonly self: boolean } | null;
  readonly listeners: readonly ListenerView[];
  readonly nodes: readonly NodeView[];
  readonly services: readonly ServiceView[];
  readonly ingresses: readonly IngressView[];
  readonly problems: readonly ProblemView[];
}
