import type { BfdSettings } from './bfdSettings.ts';

/** Whom a session is with. */
export interface BfdEndpoint {
  /** Name of the BGPPeer: one session each. */
  readonly name: string;
  /** Canonical, without a zone. */
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Where packets leave, and the only place they are taken from (single hop); null: as the kernel routes. */
  readonly interface: string | null;
  /** Device of a VRF; null: none. */
  readonly vrf: string | null;
  readonly settings: BfdSettings;
}

/** RFC 5880 section 6.2. */
export type BfdState = 'AdminDown' | 'Down' | 'Init' | 'Up';

/** What is true of one session. Times in ms. */
export interface BfdReport {
  readonly name: string;
  readonly state: BfdState;
  /** Since when, wall clock, ms. */
  readonly sinceMs: number;
  readonly remoteState: BfdState;
  /** RFC 5880 section 4.1, in words; `No Diagnostic` at the start. */
  readonly diagnostic: string;
  readonly remoteDiagnostic: string;
  /** As negotiated. */
  readonly transmitIntervalMs: number;
  readonly receiveIntervalMs: number;
  readonly detectionTimeMs: number;
  readonly echoIntervalMs: number | null;
  readonly sent: number;
  readonly received: number;
  /** Packets that were no good: TTL, length, discriminator, ... (section 6.8.6). */
  readonly dropped: number;
  /** How often it was up and went down. */
  readonly downs: number;
}

/** Speaks BFD, in a thread of its own. */
export interface BfdSpeaker {
  start(): Promise<void>;
  /** From now on exactly these. A session whose settings alone change is kept (Poll sequence); others begin anew. Removed ones say AdminDown. */
  setSessions(sessions: readonly BfdEndpoint[]): void;
  reports(): Promise<ReadonlyMap<string, BfdReport>>;
  /** `AdminDown` to all, then silence. */
  stop(): Promise<void>;
}

/** A session is in another state than before. */
export interface BfdNews {
  /** As in its report. */
  readonly name: string;
  readonly state: BfdState;
  readonly remoteState: BfdState;
  /** In words. */
  readonly why: string;
  /** It is no longer up though nobody has found a fault: one of both sides has taken it down, or has begun it anew. */
  readonly withoutFault: boolean;
}

/** What the speaker tells its owner. */
export interface BfdSpeakerEvents {
  /** As soon as it changes. */
  readonly changed: (news: BfdNews) => void;
}
