import type { Right } from '../election/electionState.ts';
import type { ForwardedPort } from './wanted.ts';
import type { FrameCounts, KernelReport, MemberReport } from './report.ts';
import type { L4Key } from '../../core/ir/l4.ts';

/** Packets to VIPs, as the kernel treats them: nftables, policy routing, connection tracking. */
export interface KernelForwarding {
  /**
   * Brings the kernel from what it has to `wanted`, in one transaction; only differences where it knows what is there. Without a
   * neighbourhood no flow is handed over to another node.
   */
  apply(wanted: ReadonlyMap<L4Key, ForwardedPort>, neighbourhood?: Neighbourhood): Promise<KernelReport>;
  /** `forGood`: table, rules and routes are removed; else they stay. */
  stop(forGood: boolean): Promise<void>;
}

/** Nodes next to this one, to which flows may be handed over as they are. */
export interface Neighbourhood {
  /** Indexes of the interfaces that lead to other nodes directly, by which clients come in too; ascending. */
  readonly uplinks: readonly number[];
  /**
   * Nodes whose kernel forwards: name → addresses that are on the link. Null: not known yet, so that what an earlier run has
   * left is to stay.
   */
  readonly neighbours: ReadonlyMap<string, readonly string[]> | null;
}

/** One network interface, from rtnetlink. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Six octets as `02:00:00:00:00:01`; empty for links without Ethernet addresses. */
  readonly mac: string;
  /** Administratively up, with a carrier. */
  readonly up: boolean;
  readonly loopback: boolean;
  /** IFF_NOARP. */
  readonly noArp: boolean;
  readonly broadcast: boolean;
  /** The bond, team or bridge it belongs to; null: none. */
  readonly master: number | null;
  /** IFLA_INFO_KIND: `veth`, `bridge`, `bond`, `vlan`, ...; empty: a device. */
  readonly kind: string;
  readonly addresses: readonly LinkAddress[];
}

export interface LinkAddress {
  readonly address: string;
  readonly prefixLength: number;
  /** Tentative or duplicate addresses cannot be sent from yet. */
  readonly usable: boolean;
}

/** The interfaces of this network namespace as they come and go. */
export interface InterfaceWatch {
  start(): Promise<void>;
  stop(): void;
  links(): readonly Link[];
  /** Index of the interface that the route to an address leads through; null: no route. */
  routeTo(address: string): number | null;
}

/** What each member tells all others about itself: bounded, see membership. */
export interface MemberState {
  /** Its proxy serves. */
  readonly serving: boolean;
  /**
   * Interface wishes that none of its interfaces fulfils, as `wishKey` in ownership/ names them; `*` among them: it can own nothing
   * (yet).
   */
  readonly unable: readonly string[];
  /**
   * VIPs that it owns and has a right to keep, sorted: those with `sticky`, those that need a proxy while none serves, and those whose
   * Lease it holds.
   */
  readonly held: readonly string[];
}

/** Who else runs an announcer, and is alive. */
export interface Membership {
  start(): Promise<void>;
  /** Tells the others that this node leaves, which moves its VIPs at once. */
  stop(): Promise<void>;
  /** Nodes to be in touch with: name → addresses. Own name included or not. */
  setNodes(nodes: ReadonlyMap<string, readonly string[]>): void;
  setState(state: MemberState): void;
  /** Members that are alive or only suspected, by node name, this one included. */
  alive(): ReadonlyMap<string, MemberState>;
  members(): readonly MemberReport[];
}

/** What this node answers for on the wire. */
export interface L2Answer {
  readonly address: string;
  readonly interfaces: readonly L2Interface[];
  readonly mode:
    | { readonly type: 'owner' }
    /** Answers only clients whose hash falls to `self` among `nodes` (core of `perClient`), announces nothing to all. */
    | { readonly type: 'perClient'; readonly self: string; readonly nodes: readonly string[] };
  /** Answers still, for a moment: another node takes over, whose first gratuitous frame ends it. */
  readonly leaving: boolean;
  /**
   * Before its first use the network is asked, for 300 ms, whether another station has the address: for one that no member
   * has had before, never for a take-over. Counts when the answer begins; not with `perClient`. While another station has the
   * address it is not answered, asked for again after 1 s and then up to every 10 s. Absent: not asked.
   */
  readonly probe?: boolean;
  /**
   * Any other number than before: it is announced to all again, as at a take-over. For what only members know, such as a former
   * owner that was out of sight and has drawn clients to itself. Absent: 0.
   */
  readonly announcement?: number;
  /** Only spoken for while there is a right to (`setRights`), whatever else holds. Absent: false. */
  readonly leased?: boolean;
}

export interface L2Interface {
  readonly index: number;
  readonly name: string;
  readonly mac: string;
}

/** Speaks ARP and NDP, in a thread of its own. */
export interface L2Speaker {
  start(): Promise<void>;
  /** From now on exactly these; frames that announce what is new go out before anything else is done. */
  setAnswers(answers: readonly L2Answer[]): void;
  /** Until when `leased` answers may be spoken for, by address, by CLOCK_MONOTONIC and the wall clock; looked at before each frame. */
  setRights(rights: ReadonlyMap<string, Right>): void;
  /** All interfaces of this machine, after any change: whose frames are our own, and which have come back and are announced on again. */
  linksChanged(links: readonly Link[]): void;
  /** Frames by VIP, since the start. */
  counts(): Promise<ReadonlyMap<string, FrameCounts>>;
  /** Answers nothing from the moment it is called. */
  stop(): Promise<void>;
}

/** What the speaker tells its owner. */
export interface L2SpeakerEvents {
  /** Another station uses a VIP of ours. `atMs`: when that was found, wall clock; who is told may be busy. */
  readonly conflict: (seen: { readonly address: string; readonly interface: string; readonly mac: string; readonly defended: boolean; readonly atMs: number }) => void;
  /** Somebody else has announced an address that we were `leaving`. */
  readonly takenOver: (address: string) => void;
  /**
   * This process was stopped or stuck: nothing is answered until it has run smoothly for half a second, in which what others have
   * said meanwhile can be heard and decided upon; then the answers last set are announced afresh.
   */
  readonly lapsed?: () => void;
}
