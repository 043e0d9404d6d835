import { spawn, type ChildProcess } from 'node:child_process';
import { mergeDeltas } from '../../core/ir/currentSnapshot.ts';
import { decodeFromProxy } from './decodeFromProxy.ts';
import { proxyEnvironment } from './childEnvironment.ts';
import { renumberDescriptors } from './listenerSockets.ts';
import type { FromProxy, ListenerSpec, ProxyStart, ToProxy } from '../../core/ipc/messages.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { ProcessUser } from './processUser.ts';

/** What a proxy process is started with. */
export interface ProxyChildOptions {
  /** Path of its program. */
  readonly entry: string;
  readonly user: ProcessUser;
  readonly start: Omit<ProxyStart, 'type' | 'listeners'>;
  /** With the controller's descriptors. */
  readonly listeners: readonly ListenerSpec[];
}

/** How a child ended; `error` when it could not even be started. */
export interface ProxyChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: Error | null;
}

/** What a child tells its owner. */
export interface ProxyChildEvents {
  readonly received: (message: FromProxy) => void;
  /** It sent something that is no message: the versions differ, or somebody has taken it over. */
  readonly broken: () => void;
  /** Called once. */
  readonly ended: (end: ProxyChildEnd) => void;
}

/** Positions 0 to 2 are the standard streams, 3 is the IPC channel. */
const FIRST_SOCKET_DESCRIPTOR = 4;
// No debugger on SIGUSR1 in a process that holds TLS keys; node:ffi still warns that it is experimental.
const NODE_OPTIONS = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning'];

/** One life of one proxy process. */
export class ProxyChild {
  readonly #options: ProxyChildOptions;
  readonly #events: ProxyChildEvents;
  #process: ChildProcess | null = null;
  #hasEnded = false;
  /** The channel has taken a delta but not yet written it; what comes meanwhile is merged in #waiting. */
  #writing = false;
  #waiting: SnapshotDelta | null = null;

  constructor(options: ProxyChildOptions, events: ProxyChildEvents) {
    this.#options = options;
    this.#events = events;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts the process and tells it what to listen on. What prevents the start is told as its end. */
  spawn(): void {
    const { start, listeners } = this.#options;
    try {
      this.#process = this.#spawnProcess();
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      setImmediate(() => this.#end({ code: null, signal: null, error: cause }));
      return;
    }
    this.send({ type: 'start', ...start, listeners: renumberDescriptors(listeners, FIRST_SOCKET_DESCRIPTOR) });
  }

  send(message: ToProxy): void {
    // A failed write means that the process is going; its end is handled as such.
    if (this.#process?.connected === true) this.#process.send(message, () => {});
  }

  /** Sends a delta, merged with others that come while the channel is full. None is lost. */
  apply(delta: SnapshotDelta): void {
    if (this.#writing) {
      this.#waiting = this.#waiting === null ? delta : mergeDeltas(this.#waiting, delta);
      return;
    }
    if (this.#process?.connected !== true) return;
    this.#writing = true;
    this.#process.send({ type: 'apply', delta } satisfies ToProxy, () => this.#written());
  }

  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  #spawnProcess(): ChildProcess {
    const { entry, user, start, listeners } = this.#options;
    const descriptors = listeners.flatMap((listener) => listener.descriptors);
    const child = spawn(process.execPath, [...NODE_OPTIONS, entry], {
      // Standard output carries the access log, standard error the log; nothing is read from standard input.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...descriptors],
      serialization: 'advanced',
      cwd: '/',
      env: proxyEnvironment(start.workers),
      ...(user.type === 'other' ? { uid: user.uid, gid: user.gid } : {}),
    });
    child.on('message', (message: unknown) => this.#receive(message));
    child.once('error', (error) => { if (child.pid === undefined) this.#end({ code: null, signal: null, error }); });
    // `close`, not `exit`: what the process said last may still be in the channel when it exits.
    child.once('close', (code, signal) => this.#end({ code, signal, error: null }));
    return child;
  }

  #written(): void {
    this.#writing = false;
    const next = this.#waiting;
    this.#waiting = null;
    if (next !== null) this.apply(next);
  }

  #receive(value: unknown): void {
    const message = decodeFromProxy(value);
    if (message === null) this.#events.broken();
    else this.#events.received(message);
  }

  #end(end: ProxyChildEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#process = null;
    this.#events.ended(end);
  }
}
