import { fullBucket, takeToken, type TokenBucket, type TokenRate } from '../../../../core/time/tokenBucket.ts';
import type { BfdSettings } from '../bfdSettings.ts';
import type { BfdNews, BfdReport, BfdState } from '../bfdSpeaker.ts';
import type { ControlPacket } from '../controlPacket.ts';
import { diagnosticCode, printDiagnostic, type Diagnostic } from '../diagnostics.ts';
import { EchoFunction } from './echoFunction.ts';
import { LocalTimers } from './localTimers.ts';

/** What a session is made with. */
export interface BfdSessionOptions {
  readonly settings: BfdSettings;
  /** bfd.LocalDiscr: not 0, unique in this system, hard to guess. */
  readonly localDiscriminator: number;
  /** x with 0 ≤ x < 1, for jitter. */
  readonly random: () => number;
  /** `ECHO_KEY_BYTES` random octets; null: no echo packets can be sent for it. */
  readonly echoKey: Buffer | null;
}

/** What a session wants done, in this order. */
export type SessionEffect =
  | { readonly type: 'send'; readonly packet: ControlPacket }
  /** An echo packet, to this side's own address by way of the peer. */
  | { readonly type: 'echo'; readonly payload: Buffer }
  /** One of both states is another than before. */
  | ({ readonly type: 'changed' } & Omit<BfdNews, 'name'>);

/** What can be seen of a session: its report, but for what only its owner knows. `sinceMs` is monotonic. */
export type SessionView = Omit<BfdReport, 'name' | 'dropped'>;

/**
 * One BFD session in Asynchronous mode (RFC 5880 section 6.8), pure but for its own state. Times are ms, monotonic, and never go back.
 * Before `tick` its owner hands over all that has come, so that no session expires over packets that wait.
 */
export interface BfdSession {
  readonly localDiscriminator: number;
  /** A packet that is this session's, and breaks no rule that can be told without it (`decodeControlPacket`). */
  receive(packet: ControlPacket, nowMs: number): readonly SessionEffect[];
  /** The payload of an echo packet that has come back; answers whether it was one of its own. */
  receiveEcho(payload: Buffer, nowMs: number): boolean;
  /** Whether it is known where echo packets are to go, which it is not at first. Till then none are sent, and so none are missed. */
  setEchoPath(isKnown: boolean): void;
  /** Does what is due. */
  tick(nowMs: number): readonly SessionEffect[];
  /** When the next `tick` must come; null: not before something else happens. */
  dueMs(): number | null;
  /** Other settings, told to the peer by a Poll sequence where it is up. */
  configure(settings: BfdSettings): void;
  /** Says AdminDown from now on, for good (section 6.8.16), and with each further call once more at once. */
  disable(nowMs: number): readonly SessionEffect[];
  view(): SessionView;
}

/** Begins Down. The first packet is due at once, unless the session is passive. */
export function createBfdSession(options: BfdSessionOptions, nowMs: number): BfdSession {
  return new AsynchronousSession(options, nowMs);
}

const US_PER_MS = 1_000;

/**
 * Packets beside the periodic ones, which answer what has come: whoever pretends to be the peer must not have it sent more than it can stand.
 * An interval as short as that of any profile, which is what section 6.8.7 asks of a limit.
 */
const ANSWER_RATE: TokenRate = { burst: 20, refillMs: 10 };

/** BFD_DEF_REQ_MIN_ECHO_RX of FRR. */
const MULTIHOP_ECHO_RECEIVE_MS = 50;

/** What the peer has said last; forgotten after a Detection Time of silence (section 6.8.1). */
interface Remote {
  readonly state: BfdState;
  readonly discriminator: number;
  readonly diagnostic: number;
  readonly demand: boolean;
  readonly desiredMinTxUs: number;
  readonly minRxUs: number;
  readonly minEchoRxUs: number;
  readonly detectMultiplier: number;
}

/** Initial values of section 6.8.1. */
const UNHEARD: Remote = {
  state: 'Down', discriminator: 0, diagnostic: 0, demand: false, desiredMinTxUs: 0, minRxUs: 1, minEchoRxUs: 0, detectMultiplier: 0,
};

/** Why another state is entered. */
interface Transition extends Pick<BfdNews, 'why' | 'withoutFault'> {
  readonly diagnostic: Diagnostic;
}

class AsynchronousSession implements BfdSession {
  readonly localDiscriminator: number;
  readonly #random: () => number;
  readonly #timers: LocalTimers;
  readonly #echo: EchoFunction | null;
  #answers: TokenBucket;
  #settings: BfdSettings;
  #state: BfdState = 'Down';
  #diagnostic: Diagnostic = 'No Diagnostic';
  #remote = UNHEARD;
  /** When a valid packet came last; null: the peer is unheard. */
  #heardMs: number | null = null;
  /** When the last periodic packet left, and what part of the interval lies between it and the next. */
  #sentMs: number | null = null;
  #jitter = 1;
  #hasEchoPath = false;
  #effects: SessionEffect[] = [];
  #sinceMs: number;
  #sent = 0;
  #received = 0;
  #downs = 0;

  constructor({ settings, localDiscriminator, random, echoKey }: BfdSessionOptions, nowMs: number) {
    this.localDiscriminator = localDiscriminator;
    this.#random = random;
    this.#settings = settings;
    this.#timers = new LocalTimers(settings);
    this.#answers = fullBucket(ANSWER_RATE, nowMs);
    this.#sinceMs = nowMs;
    this.#echo = echoKey === null ? null : new EchoFunction({ discriminator: localDiscriminator, key: echoKey, random });
  }

  receive(packet: ControlPacket, nowMs: number): readonly SessionEffect[] {
    this.#received += 1;
    const before = this.#remote.state;
    this.#remote = {
      state: packet.state, discriminator: packet.myDiscriminator, diagnostic: packet.diagnostic, demand: packet.demand,
      desiredMinTxUs: packet.desiredMinTxUs, minRxUs: packet.requiredMinRxUs, minEchoRxUs: packet.requiredMinEchoRxUs,
      detectMultiplier: packet.detectMultiplier,
    };
    this.#heardMs = nowMs;
    if (packet.final) this.#timers.endPoll();
    if (this.#state === 'AdminDown') return this.#finish();
    const next = nextState(this.#state, packet.state);
    const said = packet.state === 'Up' ? 'the peer is up' : `the peer says ${packet.state}${packet.diagnostic === 0 ? '' : `: ${printDiagnostic(packet.diagnostic)}`}`;
    const diagnostic = next === 'Down' ? 'Neighbor Signaled Session Down' : 'No Diagnostic';
    if (next !== this.#state) this.#enter(next, { diagnostic, why: said, withoutFault: next === 'Down' && !namesFault(packet) }, nowMs);
    else if (packet.state !== before) this.#tell(said);
    // Section 6.8.7: a Final is sent whatever the timers say, and does not count among periodic packets.
    if (packet.poll && this.#takeAnswer(nowMs)) this.#send(true);
    this.#adjustEcho();
    return this.#finish();
  }

  receiveEcho(payload: Buffer, nowMs: number): boolean {
    return this.#echo?.receive(payload, nowMs) ?? false;
  }

  setEchoPath(isKnown: boolean): void {
    if (isKnown === this.#hasEchoPath) return;
    this.#hasEchoPath = isKnown;
    this.#adjustEcho();
  }

  tick(nowMs: number): readonly SessionEffect[] {
    const expiresMs = this.#expiresMs();
    if (expiresMs !== null && nowMs >= expiresMs) this.#expire(nowMs);
    this.#tickEcho(nowMs);
    const sendDueMs = this.#sendDueMs();
    if (sendDueMs !== null && nowMs >= sendDueMs) this.#sendPeriodic(nowMs);
    return this.#finish();
  }

  dueMs(): number | null {
    const due = [this.#expiresMs(), this.#sendDueMs(), this.#echo?.expiresMs() ?? null, this.#echo?.sendDueMs() ?? null].filter((one) => one !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  configure(settings: BfdSettings): void {
    this.#settings = settings;
    this.#timers.configure(settings);
    this.#adjustEcho();
  }

  disable(nowMs: number): readonly SessionEffect[] {
    if (this.#state !== 'AdminDown') this.#enter('AdminDown', { diagnostic: 'Administratively Down', why: 'it is no longer wanted', withoutFault: true }, nowMs);
    else if (this.#mayTransmit()) this.#sendPeriodic(nowMs);
    return this.#finish();
  }

  view(): SessionView {
    const transmitUs = Math.max(this.#timers.transmitUs(), this.#remote.minRxUs);
    return {
      state: this.#state, sinceMs: this.#sinceMs, remoteState: this.#remote.state,
      diagnostic: this.#diagnostic, remoteDiagnostic: printDiagnostic(this.#remote.diagnostic),
      transmitIntervalMs: transmitUs / US_PER_MS, receiveIntervalMs: this.#receiveUs() / US_PER_MS, detectionTimeMs: this.#detectionMs(),
      echoIntervalMs: this.#echo?.timers()?.intervalMs ?? null,
      sent: this.#sent, received: this.#received, downs: this.#downs,
    };
  }

  /** Section 6.8.4: the Detection Time has passed in silence. */
  #expire(nowMs: number): void {
    const why = `nothing was heard for ${Math.round(this.#detectionMs())} ms`;
    const wasOpen = this.#state === 'Init' || this.#state === 'Up';
    const knewOtherwise = this.#remote.state !== UNHEARD.state;
    this.#remote = UNHEARD;
    this.#heardMs = null;
    if (wasOpen) this.#enter('Down', { diagnostic: 'Control Detection Time Expired', why, withoutFault: false }, nowMs);
    else if (knewOtherwise) this.#tell(why);
  }

  /** Section 6.8.5: echo packets have not come back. */
  #tickEcho(nowMs: number): void {
    const expiresMs = this.#echo?.expiresMs() ?? null;
    if (expiresMs !== null && nowMs >= expiresMs) {
      this.#enter('Down', { diagnostic: 'Echo Function Failed', why: 'echo packets do not come back from the peer', withoutFault: false }, nowMs);
    }
    const dueMs = this.#echo?.sendDueMs() ?? null;
    if (this.#echo !== null && dueMs !== null && nowMs >= dueMs) this.#effects.push({ type: 'echo', payload: this.#echo.send(nowMs) });
  }

  /** Sections 6.8.3 and 6.8.9: no more often than the peer can stand, and not at all where it says that it cannot. */
  #adjustEcho(): void {
    const { echoIntervalMs, detectMultiplier, hops } = this.#settings;
    const mayEcho = this.#state === 'Up' && this.#hasEchoPath && echoIntervalMs !== null && hops.type === 'single' && this.#remote.minEchoRxUs !== 0;
    this.#echo?.setTimers(mayEcho ? { intervalMs: Math.max(echoIntervalMs, this.#remote.minEchoRxUs / US_PER_MS), detectMultiplier } : null);
  }

  #enter(state: BfdState, { diagnostic, why, withoutFault }: Transition, nowMs: number): void {
    if (this.#state === 'Up') this.#downs += 1;
    this.#state = state;
    this.#sinceMs = nowMs;
    // Why it went down last stays to be read until it is up again.
    if (state !== 'Init') this.#diagnostic = diagnostic;
    this.#timers.setUp(state === 'Up');
    this.#adjustEcho();
    this.#tell(why, withoutFault);
    // Section 6.8.7: what is new is told at once.
    if (this.#mayTransmit() && (state === 'AdminDown' || this.#takeAnswer(nowMs))) this.#sendPeriodic(nowMs);
  }

  #tell(why: string, withoutFault = false): void {
    this.#effects.push({ type: 'changed', state: this.#state, remoteState: this.#remote.state, why, withoutFault });
  }

  #sendPeriodic(nowMs: number): void {
    this.#sentMs = nowMs;
    // Section 6.8.7: 75 to 100 % of the interval; at most 90 % where a single loss is the end.
    this.#jitter = 0.75 + this.#random() * (this.#settings.detectMultiplier === 1 ? 0.15 : 0.25);
    this.#send(false);
    this.#timers.sentPeriodic();
  }

  #send(final: boolean): void {
    this.#sent += 1;
    this.#effects.push({
      type: 'send',
      packet: {
        diagnostic: diagnosticCode(this.#diagnostic), state: this.#state,
        // Section 6.5: never both.
        poll: !final && this.#timers.isPolling(), final,
        // A restart of this process ends the session, whatever the kernel forwards meanwhile (RFC 5882 section 4.3).
        controlPlaneIndependent: false, authenticated: false, demand: false,
        detectMultiplier: this.#settings.detectMultiplier,
        myDiscriminator: this.localDiscriminator, yourDiscriminator: this.#remote.discriminator,
        desiredMinTxUs: this.#timers.desiredMinTxUs, requiredMinRxUs: this.#timers.requiredMinRxUs,
        requiredMinEchoRxUs: this.#echoReceiveMs() * US_PER_MS,
      },
    });
  }

  /** Over several hops nobody may send any (RFC 5883 section 3), and FRR, and so MetalLB, names its own default. */
  #echoReceiveMs(): number {
    const { echoReceiveIntervalMs, hops } = this.#settings;
    return hops.type === 'single' ? echoReceiveIntervalMs : MULTIHOP_ECHO_RECEIVE_MS;
  }

  /** Whether there may be one more answer now. */
  #takeAnswer(nowMs: number): boolean {
    const left = takeToken(this.#answers, ANSWER_RATE, nowMs);
    if (left !== null) this.#answers = left;
    return left !== null;
  }

  /** Section 6.8.7: whether periodic packets may be sent. */
  #mayTransmit(): boolean {
    const { discriminator, minRxUs, demand, state } = this.#remote;
    if (this.#settings.passive && discriminator === 0) return false;
    if (minRxUs === 0) return false;
    return !(demand && this.#state === 'Up' && state === 'Up' && !this.#timers.isTelling());
  }

  #sendDueMs(): number | null {
    if (!this.#mayTransmit()) return null;
    if (this.#sentMs === null) return Number.NEGATIVE_INFINITY;
    return this.#sentMs + this.#jitter * Math.max(this.#timers.transmitUs(), this.#remote.minRxUs) / US_PER_MS;
  }

  #expiresMs(): number | null {
    return this.#heardMs === null ? null : this.#heardMs + this.#detectionMs();
  }

  /** Section 6.8.4; before anything is heard, what it would be with a peer like this side. */
  #detectionMs(): number {
    return (this.#remote.detectMultiplier || this.#settings.detectMultiplier) * this.#receiveUs() / US_PER_MS;
  }

  #receiveUs(): number {
    return Math.max(this.#timers.receiveUs(), this.#remote.desiredMinTxUs);
  }

  #finish(): readonly SessionEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

/**
 * A peer that has found a fault says which. One that says Down for no reason, or because this side, which is up, were down, has begun its
 * session anew: FRR does so when BGP has found its own address, and when it is told to stop.
 */
function namesFault({ state, diagnostic }: ControlPacket): boolean {
  return state === 'Down' && !NO_FAULTS.has(printDiagnostic(diagnostic));
}

const NO_FAULTS: ReadonlySet<string> = new Set<Diagnostic>(['No Diagnostic', 'Neighbor Signaled Session Down', 'Administratively Down']);

/** The table of section 6.8.6: what a packet of that state makes of a session that is not AdminDown. */
function nextState(state: Exclude<BfdState, 'AdminDown'>, received: BfdState): Exclude<BfdState, 'AdminDown'> {
  if (received === 'AdminDown') return 'Down';
  switch (state) {
    case 'Down':
      if (received === 'Down') return 'Init';
      return received === 'Init' ? 'Up' : 'Down';
    case 'Init': return received === 'Down' ? 'Init' : 'Up';
    case 'Up': return received === 'Down' ? 'Down' : 'Up';
  }
}
