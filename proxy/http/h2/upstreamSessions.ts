import type { OpenFailure, SessionPlace } from './upstreamSocket.ts';
import { UpstreamSession, type SessionOwner, type UpstreamSessionContext } from './upstreamSession.ts';
import type { UpstreamStream } from './upstreamStream.ts';

/** Sessions to one endpoint under one identity, in one worker; requests beyond what they carry wait for the connect timeout. Ours. */
const MAX_SESSIONS = 128;
/** Streams that a session not yet open is taken to carry (RFC 9113 section 6.5.2 recommends no less). */
const EXPECTED_STREAMS = 100;

/** All sessions to one `host:port` as one identity, and the requests that wait for room on them. */
export class UpstreamSessions implements SessionOwner {
  readonly place: SessionPlace;
  readonly #context: UpstreamSessionContext;
  readonly #onEmpty: (sessions: UpstreamSessions) => void;
  /** Oldest first. */
  readonly #sessions = new Set<UpstreamSession>();
  readonly #waiting: UpstreamStream[] = [];
  #nextSerial = 0;
  /** Sessions older than that knew a backend that has gone since. */
  #freshFrom = 0;
  #expectedStreams = EXPECTED_STREAMS;
  #scheduled = false;

  constructor(place: SessionPlace, context: UpstreamSessionContext, onEmpty: (sessions: UpstreamSessions) => void) {
    this.place = place;
    this.#context = context;
    this.#onEmpty = onEmpty;
  }

  get idleCount(): number {
    let count = 0;
    for (const session of this.#sessions) if (session.idle) count += 1;
    return count;
  }

  /** Gives a request a session, later. */
  add(stream: UpstreamStream): void {
    this.#waiting.push(stream);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Callbacks come later, never inside the call that asked.
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#dispatch();
      this.#tellEmpty();
    });
  }

  /** For a request that is given up while it waits. */
  remove(stream: UpstreamStream): void {
    const index = this.#waiting.indexOf(stream);
    if (index !== -1) this.#waiting.splice(index, 1);
  }

  /** Sessions close once what they carry is over; requests that come nevertheless get new ones. */
  retire(): void {
    for (const session of this.#sessions) {
      if (session.opening && this.#waiting.length > 0) session.keepable = false;
      else session.leave();
    }
  }

  destroy(): void {
    this.#failWaiting({ code: 'reset', detail: 'given up' });
    for (const session of this.#sessions) session.destroy();
  }

  onRoom(): void {
    this.#dispatch();
  }

  onLeaving(): void {
    this.#freshFrom = this.#nextSerial;
  }

  onClose(session: UpstreamSession, failure: OpenFailure | null): void {
    this.#sessions.delete(session);
    this.#freshFrom = this.#nextSerial;
    if (failure !== null && this.#sessions.size === 0) this.#failWaiting(failure);
    this.#dispatch();
    this.#tellEmpty();
  }

  #tellEmpty(): void {
    if (this.#sessions.size === 0 && this.#waiting.length === 0) this.#onEmpty(this);
  }

  #dispatch(): void {
    for (let stream = this.#waiting[0]; stream !== undefined; stream = this.#waiting[0]) {
      const session = this.#pick(stream);
      if (session === null) return this.#openMore(stream);
      this.#expectedStreams = Math.max(session.maxStreams, 1);
      this.#waiting.shift();
      session.begin(stream);
    }
  }

  #pick(stream: UpstreamStream): UpstreamSession | null {
    for (const session of this.#sessions) {
      if (session.hasRoom && (stream.target.reuse || session.serial >= this.#freshFrom)) return session;
    }
    return null;
  }

  #openMore({ target }: UpstreamStream): void {
    let opening = 0;
    for (const session of this.#sessions) if (session.opening) opening += 1;
    for (; opening * this.#expectedStreams < this.#waiting.length && this.#sessions.size < MAX_SESSIONS; opening += 1) {
      const options = { serial: this.#nextSerial, connectMs: target.timeouts.connectMs };
      this.#nextSerial += 1;
      this.#sessions.add(new UpstreamSession(this.place, options, { context: this.#context, owner: this }));
    }
  }

  #failWaiting(failure: OpenFailure): void {
    for (const stream of this.#waiting.splice(0)) stream.fail(failure);
  }
}
