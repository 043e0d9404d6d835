import type { BgpPeerEvent, BgpPeerReport, BgpReport } from '../announcer/bgp/bgpReport.ts';
import type { BGPPeer } from '../model/bgpPeer.ts';
import type { ObjectIndex } from '../model/store.ts';
import { fullBucket, takeToken, tokenWaitMs, type TokenBucket, type TokenRate } from '../../core/time/tokenBucket.ts';

/** What is to be told of the sessions of this node with one BGPPeer. */
export interface SessionNews {
  /** `namespace/name` of the BGPPeer. */
  readonly peer: string;
  /** Address, or interface. */
  readonly remote: string;
  readonly up: boolean;
  /** Why it was lost, or cannot be begun; empty: it was neither. */
  readonly reason: string;
  /** How often it was lost since the last news. */
  readonly losses: number;
}

/** Ours: ten at once, then one in 5 minutes: less than one object may have (EventLog), so that the last word is never dropped. */
const RATE: TokenRate = { burst: 10, refillMs: 300_000 };
/** Ours: a session that is not there for so long cannot be begun. Routers that restart take as long. */
const BEGIN_MS = 60_000;

interface PeerState {
  readonly uid: string;
  readonly bucket: TokenBucket;
  /** As it was told last, or needed no telling; null: nothing was. */
  readonly told: boolean | null;
  /** As it is; null: not known to be up, and not long enough known to be down. */
  readonly up: boolean | null;
  readonly remote: string;
  readonly reason: string;
  readonly losses: number;
  /** Since when no report has had it up, monotonic. */
  readonly missingSinceMs: number | null;
}

/**
 * Remembers the sessions of this node with each BGPPeer, and finds out what of them is news. A start is none: the first session with a
 * peer that was there at the first look is not told of. Of a session that comes and goes it tells what became of it, and how often.
 */
export class SessionWatch {
  /** uids of BGPPeers that were there at the first look; null: there was none yet. */
  #before: ReadonlySet<string> | null = null;
  #objects: ObjectIndex | null = null;
  readonly #peers = new Map<string, PeerState>();

  /** The objects as they are now. */
  look(objects: ObjectIndex): void {
    this.#objects = objects;
    this.#before ??= new Set([...objects.list('BGPPeer')].map(({ metadata }) => metadata.uid));
    for (const [peer, { uid }] of this.#peers) if (this.#uidOf(peer) !== uid) this.#peers.delete(peer);
  }

  /** A session came or went; `nowMs` is of a monotonic clock. */
  happened({ peer, remote, up, reason }: BgpPeerEvent, nowMs: number): void {
    const state = this.#stateOf(peer, nowMs);
    if (state === null) return;
    const isNoNews = up && state.told === null && state.up === null && this.#before?.has(state.uid) === true;
    const change = up ? { losses: state.losses, reason: state.losses === 0 ? '' : state.reason } : { losses: state.losses + 1, reason };
    this.#peers.set(peer, { ...state, ...change, up, remote, told: isNoNews ? true : state.told, missingSinceMs: null });
  }

  /** How all sessions are. */
  reported({ peers }: BgpReport, nowMs: number): void {
    for (const peer of peers) {
      const state = this.#stateOf(peer.name, nowMs);
      if (state !== null) this.#peers.set(peer.name, this.#judge(state, peer, nowMs));
    }
  }

  /** What is to be told now; it counts as told. */
  take(nowMs: number): readonly SessionNews[] {
    const news: SessionNews[] = [];
    for (const [peer, state] of this.#peers) {
      const { up, remote, reason, losses } = state;
      if (up === null || !isNews(state)) continue;
      const bucket = takeToken(state.bucket, RATE, nowMs);
      if (bucket === null) continue;
      news.push({ peer, remote, up, reason, losses });
      this.#peers.set(peer, { ...state, bucket, told: up, losses: 0 });
    }
    return news;
  }

  /** When what is held back may be told, whole ms from now; null: nothing is. */
  waitMs(nowMs: number): number | null {
    const waits = [...this.#peers.values()].filter(isNews).map(({ bucket }) => tokenWaitMs(bucket, RATE, nowMs));
    return waits.length === 0 ? null : Math.ceil(Math.min(...waits));
  }

  /** A session that was lost is told of by what happened; one that is not there, and no word why, after a while. */
  #judge(state: PeerState, { name, remote, state: session, lastError }: BgpPeerReport, nowMs: number): PeerState {
    if (session === 'Established' || state.up === false || this.#isShutDown(name)) return { ...state, missingSinceMs: null };
    const missingSinceMs = state.missingSinceMs ?? nowMs;
    if (nowMs - missingSinceMs < BEGIN_MS) return { ...state, missingSinceMs };
    return { ...state, up: false, remote, reason: lastError?.text ?? 'nobody has answered or connected', missingSinceMs: null };
  }

  #isShutDown(peer: string): boolean {
    return typeof this.#find(peer)?.extras.shutdown === 'string';
  }

  #stateOf(peer: string, nowMs: number): PeerState | null {
    const uid = this.#uidOf(peer);
    if (uid === '') return null;
    return this.#peers.get(peer) ?? { uid, bucket: fullBucket(RATE, nowMs), told: null, up: null, remote: '', reason: '', losses: 0, missingSinceMs: null };
  }

  #uidOf(peer: string): string {
    return this.#find(peer)?.metadata.uid ?? '';
  }

  #find(peer: string): BGPPeer | undefined {
    const [namespace = '', name = ''] = peer.split('/');
    return this.#objects?.get('BGPPeer', namespace, name);
  }
}

function isNews({ up, told, losses }: PeerState): boolean {
  return up !== null && (up !== told || losses > 0);
}
