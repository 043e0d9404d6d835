import type { AddressFamily, BgpFault, Capability } from '../codec/message.ts';
import type { WantedPeer } from '../bgpWanted.ts';

/** RFC 4271 section 8.2.2. */
export type SessionState = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established';

/** A TCP connection, by a number that never comes again: the machine gives negative ones (`connect`), the shell others from 0 (`accepted`). */
export type ConnectionId = number;

/** What a session machine is made with. */
export interface SessionOptions {
  readonly peer: WantedPeer;
  /** For the FQDN capability. */
  readonly hostName: string;
  /** This announcer carries on what one before it announced: Restart State is set in the first OPEN (RFC 4724 section 3). */
  readonly restarting: boolean;
  /** From 0 (inclusive) to 1 (exclusive), for jitter (RFC 4271 section 10). */
  readonly random: () => number;
}

/** What happens to a session: from the shell to the machine. */
export type SessionEvent =
  /** AutomaticStart: there is to be a session. */
  | { readonly type: 'start' }
  /**
   * ManualStop. `shutdown` and `reset` send Cease with `text` (RFC 4486, RFC 9003), `deconfigured` too; `hard` wraps it (RFC 8538), so
   * that a peer with graceful restart drops the routes. `silent` closes the connection without a word, so that it keeps them.
   */
  | { readonly type: 'stop'; readonly how: 'shutdown' | 'reset' | 'deconfigured' | 'silent'; readonly hard: boolean; readonly text: string }
  /** BFD says that the peer cannot be reached (RFC 5882 section 4.3, Cease/10 of RFC 9384), or lets it be tried again. */
  | { readonly type: 'bfd'; readonly up: boolean }
  /** The answer to the effect `connect`. */
  | { readonly type: 'connected'; readonly connection: ConnectionId; readonly ends: ConnectionEnds }
  | { readonly type: 'connectFailed'; readonly connection: ConnectionId; readonly reason: string }
  /** A connection that the peer has opened. */
  | { readonly type: 'accepted'; readonly connection: ConnectionId; readonly ends: ConnectionEnds }
  | { readonly type: 'octets'; readonly connection: ConnectionId; readonly octets: Uint8Array }
  /** The other side has closed it, or it has failed. */
  | { readonly type: 'closed'; readonly connection: ConnectionId; readonly reason: string }
  /** The connection takes octets again, or takes no more for now (what is sent nevertheless is kept by the shell). */
  | { readonly type: 'writable'; readonly connection: ConnectionId; readonly writable: boolean }
  /** Time has passed: at `dueMs` at the latest. */
  | { readonly type: 'tick' };

/** Addresses of a connection, canonical; link-local ones without a zone. */
export interface ConnectionEnds {
  readonly localAddress: string;
  readonly remoteAddress: string;
}

/** What a session wants done: from the machine to the shell, in order. */
export type SessionEffect =
  /** Open a connection to the peer; nothing else may be open that was asked for before. */
  | { readonly type: 'connect'; readonly connection: ConnectionId }
  | { readonly type: 'send'; readonly connection: ConnectionId; readonly octets: Uint8Array }
  /** What was sent goes out first, for up to 1 s. No more events of this connection are expected. */
  | { readonly type: 'close'; readonly connection: ConnectionId }
  /** Routes may be sent on this connection from now on. */
  | { readonly type: 'established'; readonly connection: ConnectionId; readonly negotiated: Negotiated }
  /** No routes any more. */
  | { readonly type: 'down'; readonly reason: string }
  /** The peer wants all routes of a family (again). */
  | { readonly type: 'refresh'; readonly family: AddressFamily }
  /** The peer has told all that it has to (End-of-RIB), which is counted and no more. */
  | { readonly type: 'endOfRib'; readonly family: AddressFamily };

/** What both sides have agreed on. */
export interface Negotiated {
  readonly internal: boolean;
  readonly localAsn: number;
  readonly remoteAsn: number;
  readonly remoteRouterId: string;
  readonly ends: ConnectionEnds;
  readonly holdTimeMs: number;
  readonly families: readonly AddressFamily[];
  readonly fourOctetAsn: boolean;
  readonly extendedMessages: boolean;
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  /** Families in which several paths of a prefix may be sent. */
  readonly addPathSend: readonly AddressFamily[];
  /** IPv4 routes may have IPv6 next hops. */
  readonly extendedNextHop: boolean;
  /** What the peer will do when this side restarts; null: it keeps nothing. */
  readonly gracefulRestart: { readonly notification: boolean; readonly families: readonly AddressFamily[]; readonly peerRestartTimeMs: number; readonly peerRestarting: boolean } | null;
  readonly longLivedGracefulRestart: readonly AddressFamily[];
  readonly remoteCapabilities: readonly Capability[];
  readonly remoteHostName: string;
}

/** Messages by type, one direction. */
export interface MessageCounts {
  readonly open: number;
  readonly update: number;
  readonly notification: number;
  readonly keepalive: number;
  readonly routeRefresh: number;
  readonly octets: number;
}

/** Why the last session or attempt ended. */
export interface SessionError {
  /** Wall clock, ms. */
  readonly atMs: number;
  /** In words, such as `the peer has closed it: Cease/Administrative Shutdown: "maintenance"`. */
  readonly text: string;
  readonly notification: { readonly direction: 'sent' | 'received'; readonly fault: Pick<BgpFault, 'code' | 'subcode'> } | null;
}

/** What can be seen of a machine at any time. */
export interface SessionView {
  readonly state: SessionState;
  /** Since when, wall clock, ms. */
  readonly sinceMs: number;
  readonly negotiated: Negotiated | null;
  /** As the peer's last OPEN says, whether it was taken or not; null: none has come. */
  readonly remoteAsn: number | null;
  readonly sent: MessageCounts;
  readonly received: MessageCounts;
  /** Prefixes announced and withdrawn by the peer, all of them dropped. */
  readonly prefixesReceived: number;
  /** UPDATEs with faults that were put up with (RFC 7606), and what was wrong with the last one; null: there was none. */
  readonly updateFaults: number;
  readonly lastUpdateFault: string | null;
  /** How often it became Established. */
  readonly established: number;
  readonly lastError: SessionError | null;
  /** When it will be tried again, in ms from now; null: it is not waiting. */
  readonly retryInMs: number | null;
}

/** Now: monotonic for timers, the wall clock for what people read. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** The FSM of one peer (RFC 4271 section 8): pure but for its own state. */
export interface SessionMachine {
  handle(event: SessionEvent, now: Moment): readonly SessionEffect[];
  /** When the next `tick` must come, monotonic; null: none must. */
  dueMs(): number | null;
  view(now: Moment): SessionView;
  /** The shell has sent UPDATEs by itself (from the Adj-RIB-Out): they are counted, and the next keepalive is put off by them. */
  countUpdates(messages: number, octets: number, now: Moment): void;
}
