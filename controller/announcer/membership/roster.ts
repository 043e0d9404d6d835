import type { MemberState } from '../parts.ts';
import type { Foreign } from './foreignPeers.ts';
import { isMemberName, SMALL_STATE_OCTETS, type MemberRecord, type MemberStatus } from './message.ts';
import type { Denial } from './recognition.ts';
import { ReplayGuard } from './replayWindow.ts';
import { decodeState, UNKNOWN_STATE } from './stateCodec.ts';

/** What this process has sent, and how much of it did not leave the machine: at one moment. */
export interface SendTally {
  readonly sent: number;
  readonly failed: number;
}

/** A member that may be dead: it has until `deadlineMs` to refute. */
export interface Suspicion {
  readonly sinceMs: number;
  readonly tally: SendTally;
  deadlineMs: number;
  /** Pinged by this node until it is clear; else others do. */
  isProbed: boolean;
  nextPingMs: number;
  pings: number;
}

/** Another node, as far as this one knows. Owned by the machine, which alone changes it. */
export interface Peer {
  readonly node: string;
  /** Those of a family we have, in the order of preference; never from gossip. */
  addresses: readonly string[];
  /** Index of the one in use. */
  addressIndex: number;
  /** `dead` also before anything is known; then its incarnation is -1. */
  status: MemberStatus;
  boot: string;
  incarnation: number;
  /** The newest state it has told of, and the one that is here; 0: none. */
  stateVersion: number;
  heldVersion: number;
  state: MemberState;
  /** Of `heldVersion`, where it is small; else null. */
  stateOctets: Uint8Array | null;
  /** Since when it has this status. */
  sinceMs: number;
  /** When it last answered a ping of ours, by whichever way. */
  lastAckMs: number;
  suspicion: Suspicion | null;
  /** Nobody has confirmed that this node can hear at all: what it thinks of the peer is not passed on. */
  isPrivate: boolean;
  nextAbsentPingMs: number;
  absentPings: number;
  readonly replay: ReplayGuard;
  /** When its present process was heard last, whatever it said. */
  heardMs: number;
  /** Where that came from; null: it was never heard. */
  heardFrom: string | null;
  /** What it holds against this node; null: nothing, as far as it has said. */
  denial: Denial | null;
  /** It sends what cannot be opened here; null: it does not. */
  foreign: Foreign | null;
  /** Who passed its answer on last: asked first the next time. */
  helper: string | null;
  /** When somebody under its name was turned away last. */
  refusedMs: number;
}

/** The nodes of the configuration, this one excluded. */
export class Roster {
  readonly #peers = new Map<string, Peer>();

  /** Keeps who is named, forgets the others. Answers the names that cannot be used. */
  setNodes(nodes: ReadonlyMap<string, readonly string[]>, nowMs: number): string[] {
    for (const node of this.#peers.keys()) if (!nodes.has(node)) this.#peers.delete(node);
    const unusable: string[] = [];
    for (const [node, addresses] of nodes) {
      const peer = this.#peers.get(node);
      if (!isMemberName(node)) unusable.push(node);
      else if (peer === undefined) this.#peers.set(node, newPeer(node, addresses, nowMs));
      else setAddresses(peer, addresses, nowMs);
    }
    return unusable;
  }

  get(node: string): Peer | undefined {
    return this.#peers.get(node);
  }

  all(): Peer[] {
    return [...this.#peers.values()];
  }

  /** Alive, or only suspected. */
  living(): Peer[] {
    return this.all().filter(isLiving);
  }

  absent(): Peer[] {
    return this.all().filter((peer) => !isLiving(peer));
  }
}

export function isLiving({ status }: Peer): boolean {
  return status === 'alive' || status === 'suspect';
}

export function isKnown({ incarnation }: Peer): boolean {
  return incarnation >= 0;
}

/** What is passed on about a peer; its state only where it is small and new. */
export function recordOf({ node, status, boot, incarnation, stateVersion, heldVersion, stateOctets }: Peer): MemberRecord {
  return { node, status, boot, incarnation, stateVersion, state: stateVersion === heldVersion ? stateOctets : null };
}

/** Boot of a process that was never heard. */
export const NO_BOOT = '0'.repeat(16);

/** What a peer must be told first, as it does not count as alive here: also when it was never heard, which it cannot know. */
export function reproachOf(peer: Peer): readonly MemberRecord[] {
  if (peer.status === 'alive') return [];
  return [isKnown(peer) ? recordOf(peer) : { node: peer.node, status: 'dead', boot: NO_BOOT, incarnation: 0, stateVersion: 0, state: null }];
}

/** Where datagrams to a peer go; null: it has no address we could use. */
export function addressOf({ addresses, addressIndex }: Peer): string | null {
  return addresses[addressIndex] ?? null;
}

/** Takes the address after the present one. */
export function turnAddress(peer: Peer): void {
  if (peer.addresses.length > 0) peer.addressIndex = (peer.addressIndex + 1) % peer.addresses.length;
}

/** Takes on a state that a peer has told. False: the octets are none; they are not asked for again. */
export function holdState(peer: Peer, version: number, octets: Uint8Array): boolean {
  const state = decodeState(octets);
  peer.heldVersion = version;
  if (state === null) return false;
  peer.state = state;
  peer.stateOctets = octets.length <= SMALL_STATE_OCTETS ? octets : null;
  return true;
}

/** What an earlier boot has told is not true of this one. */
export function forgetState(peer: Peer): void {
  peer.stateVersion = 0;
  peer.heldVersion = 0;
  peer.state = UNKNOWN_STATE;
  peer.stateOctets = null;
}

function newPeer(node: string, addresses: readonly string[], nowMs: number): Peer {
  return {
    node,
    addresses,
    addressIndex: 0,
    status: 'dead',
    boot: '',
    incarnation: -1,
    stateVersion: 0,
    heldVersion: 0,
    state: UNKNOWN_STATE,
    stateOctets: null,
    sinceMs: nowMs,
    lastAckMs: Number.NEGATIVE_INFINITY,
    suspicion: null,
    isPrivate: false,
    nextAbsentPingMs: nowMs,
    absentPings: 0,
    replay: new ReplayGuard(),
    heardMs: Number.NEGATIVE_INFINITY,
    heardFrom: null,
    denial: null,
    foreign: null,
    helper: null,
    refusedMs: Number.NEGATIVE_INFINITY,
  };
}

function setAddresses(peer: Peer, addresses: readonly string[], nowMs: number): void {
  const used = addressOf(peer);
  if (addresses.length === peer.addresses.length && addresses.every((address, index) => address === peer.addresses[index])) return;
  peer.addresses = addresses;
  peer.addressIndex = Math.max(0, used === null ? 0 : addresses.indexOf(used));
  peer.nextAbsentPingMs = Math.min(peer.nextAbsentPingMs, nowMs);
}
