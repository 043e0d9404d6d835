import type { Certificate } from '../../core/ir/certificate.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { Snapshot } from '../../core/ir/snapshot.ts';
import type { AnnouncerWanted } from '../announcer/wanted.ts';
import type { Assignments } from '../allocator/assignment.ts';
import type { AssignmentChange } from '../allocator/assignmentChange.ts';
import type { PoolView } from '../allocator/poolView.ts';
import type { AllocationRefusal } from '../allocator/refusal.ts';
import type { ObjectIndex } from '../model/store.ts';
import type { HostTable } from './steps/resolveClaims.ts';

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
  /** What Services have had until now: they keep it as long as pools and their own wishes allow. */
  readonly assignments: Assignments;
  /**
   * `give`: Services without an address are given one. `keep`: they only keep what `assignments` or their status says, because
   * another process, the leader, gives addresses.
   */
  readonly allocation: 'give' | 'keep';
  /** Class that Services of type LoadBalancer name to be ours, and whether those without a class are ours too. */
  readonly loadBalancerClass: { readonly name: string; readonly required: boolean };
  /** OpenELB's Services say by an annotation that they want an address; obey it (`--compat openelb`). */
  readonly openelbOptIn: boolean;
  /**
   * `bind`: the proxy listens on VIPs, which must be local. `kernel`: nftables takes them in, wherever they are. `auto`: those
   * that are local are bound, those that are announced go to the kernel. `off`: they are assigned, nothing more (`--vips`).
   */
  readonly vips: 'auto' | 'bind' | 'kernel' | 'off';
  /** Why this process may not program the kernel, in words that say what to do; null: it may. */
  readonly kernelRefusal: string | null;
  /** Why no Leases are kept for VIPs here, in words that say what to do; null: they are. */
  readonly leaseRefusal: string | null;
  /** Other nodes that run a Gatehouse, beside those that Node objects name (`--peers`). */
  readonly peers: readonly PeerNode[];
  /** A Node that is cordoned gives up its VIPs (`--cordon-moves-vips`). */
  readonly cordonMovesVips: boolean;
  /** Addresses of this machine's interfaces; all of 127.0.0.0/8 counts as local besides. */
  readonly localAddresses: readonly string[];
  /** Which Node this is: endpoints of Services with externalTrafficPolicy Local must be on it. */
  readonly nodeName: string;
  /** `namespace/name` of the Service whose VIP is the proxy's own, ports 80 and 443 of Ingresses (`--publish-service`); null: none. */
  readonly publishService: string | null;
  /** `namespace/name` of ingress-nginx's ConfigMaps of L4 ports; null: none. */
  readonly tcpServices: string | null;
  readonly udpServices: string | null;
  /** Where ports of those ConfigMaps are opened: the addresses of the HTTP and HTTPS listeners, `0.0.0.0` and the like. */
  readonly l4Addresses: readonly string[];
  /** What this process listens on by itself (HTTP, HTTPS, admin API): no other port may take these. */
  readonly reserved: readonly ReservedAddress[];
}

/** A node by its name, and an IP address it is reached at. */
export interface PeerNode {
  readonly name: string;
  readonly address: string;
}

/** A TCP address that is taken before anything is translated; `protocol` `http` or `https`: it serves Ingresses. */
export interface ReservedAddress {
  readonly protocol: 'http' | 'https' | 'admin';
  /** IP address literal; `0.0.0.0` and `::` stand for all of their family. */
  readonly address: string;
  readonly port: number;
}

/** What status views show of one Service of type LoadBalancer. */
export interface ServiceStatus {
  readonly ref: ObjectRef;
  /** False: another load balancer's, by its class; nothing of it may be written. */
  readonly ours: boolean;
  /** Empty: none assigned, and a problem says why. */
  readonly addresses: readonly string[];
  readonly pool: string | null;
  readonly forwarding: 'kernel' | 'proxy' | 'none';
  /** Why it is forwarded that way, in words for people. */
  readonly reason: string;
  readonly ports: readonly {
    readonly port: number;
    readonly protocol: 'TCP' | 'UDP' | 'SCTP';
    readonly name: string;
    /** Ready endpoints behind it; null: not the Service's own, but those of Ingresses (publish Service). */
    readonly endpoints: number | null;
  }[];
}

/** A VIP port that belongs to the HTTP or HTTPS listeners: of the publish Service. */
export interface VipListener {
  readonly protocol: 'http' | 'https';
  readonly address: string;
  readonly port: number;
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
  readonly services: readonly ServiceStatus[];
  /** To be kept, and given to the next translation. */
  readonly assignments: Assignments;
  /** How they differ from those of the options. */
  readonly assignmentChanges: readonly AssignmentChange[];
  readonly pools: readonly PoolView[];
  /** Services that do not have what they ask for, and why in a closed form; `problems` has the same in words. */
  readonly refusals: readonly AllocationRefusal[];
  readonly vipListeners: readonly VipListener[];
  /** What this node's announcer is to do: forward in the kernel, hand to the proxy, answer ARP and NDP. */
  readonly announcer: AnnouncerWanted;
  /** Secrets and ConfigMaps that translation has looked for, found or not, each once, sorted. */
  readonly references: readonly ObjectRef[];
  /** Who has each host and path: what a new Ingress is judged against. */
  readonly hosts: HostTable;
  readonly problems: readonly Problem[];
}

/** Objects to snapshot: pure, deterministic, independent of the order in which objects came. */
export type Translate = (objects: ObjectIndex, options: TranslateOptions) => Translation;
