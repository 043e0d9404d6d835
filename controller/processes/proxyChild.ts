import { spawn, type ChildProcess } from 'node:child_process';
import { mergeDeltas } from '../../core/ir/currentSnapshot.ts';
import { decodeFromProxy } from './decodeFromProxy.ts';
import { proxyEnvironment } from './childEnvironment.ts';
import { createPendingRequests, RequestError, type PendingRequests } from '../../core/ipc/pendingRequests.ts';
import { openDescriptorChannel, sendDescriptors } from '../../core/os/descriptorChannel.ts';
import { libc } from '../../core/os/libc.ts';
import { SystemError } from '../../core/os/systemError.ts';
import type { FromProxy, ProxyStart, ToProxy } from '../../core/ipc/messages.ts';
import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { OpenListener } from './listenerSockets.ts';
import type { ProcessUser } from './processUser.ts';

/** What a proxy process is started with. */
export interface ProxyChildOptions {
  /** Path of its program. */
  readonly entry: string;
  readonly user: ProcessUser;
  /** Its `listeners` are to be handed over with `listen` at once. */
  readonly start: Omit<ProxyStart, 'type'>;
}

/** How a child ended; `error` when it could not even be started. */
export interface ProxyChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: Error | null;
}

type ListenerAnswer = Extract<FromProxy, { readonly type: 'listened' | 'unlistened' }>;

/** What a child tells its owner. */
export interface ProxyChildEvents {
  readonly received: (message: Exclude<FromProxy, ListenerAnswer>) => void;
  /** It sent something that is no message: the versions differ, or somebody has taken it over. */
  readonly broken: () => void;
  /** Called once. */
  readonly ended: (end: ProxyChildEnd) => void;
}

/**
 * Ours: longer than the proxy leaves a stuck worker alive, which is what it may have to wait for. Only a proxy whose main
 * thread is stuck itself says nothing for so long.
 */
const LISTENER_TIMEOUT_MS = 30_000;
// No debugger on SIGUSR1 in a process that holds TLS keys; node:ffi still warns that it is experimental.
const NODE_OPTIONS = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning'];

/** What sending to a process says that has closed its end. */
const GONE = ['EPIPE', 'ECONNRESET'];

/** One life of one proxy process. */
export class ProxyChild {
  readonly #options: ProxyChildOptions;
  readonly #events: ProxyChildEvents;
  readonly #listened = createPendingRequests<string | null>('the proxy', LISTENER_TIMEOUT_MS);
  readonly #unlistened = createPendingRequests<null>('the proxy', LISTENER_TIMEOUT_MS);
  #process: ChildProcess | null = null;
  /** This side's end of the descriptor channel. */
  #channel: number | null = null;
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

  /** Starts the process. What prevents the start is told as its end. */
  spawn(): void {
    try {
      this.#process = this.#spawnProcess();
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      setImmediate(() => this.#end({ code: null, signal: null, error: cause }));
      return;
    }
    this.send({ type: 'start', ...this.#options.start });
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

  /**
   * Hands over listeners whose descriptors one message carries, and waits until it has them: ListenerTaker.listen. They are
   * in the channel before the process hears of them, so it never has to wait.
   */
  async listen(listeners: readonly OpenListener[]): Promise<void> {
    const failure = await this.#ask(this.#listened, (id) => {
      this.#sendDescriptors(id, listeners.flatMap((listener) => listener.descriptors));
      const specs = listeners.map(({ id: listener, protocol, address, port }) => ({ id: listener, protocol, address, port }));
      this.send({ type: 'listen', id, listeners: specs });
    });
    if (failure !== null) throw new Error(`the proxy cannot listen: ${failure}`);
  }

  /** ListenerTaker.unlisten. */
  async unlisten(listeners: readonly OpenListener[]): Promise<void> {
    const ids = listeners.map((listener) => listener.id);
    await this.#ask(this.#unlistened, (id) => this.send({ type: 'unlisten', id, listeners: ids }));
  }

  /** Has `listen` and `unlisten` wait no longer: they reject with RequestError. */
  abandonListeners(reason: string): void {
    this.#listened.abandon(reason);
    this.#unlistened.abandon(reason);
  }

  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  #spawnProcess(): ChildProcess {
    const { entry, user, start } = this.#options;
    const [near, far] = openDescriptorChannel();
    this.#channel = near;
    try {
      const child = spawn(process.execPath, [...NODE_OPTIONS, entry], {
        // Standard output carries the access log, standard error the log; nothing is read from standard input. Listening
        // sockets come through the last one, DESCRIPTOR_CHANNEL: there is one way for those of the start and later ones.
        stdio: ['ignore', 'inherit', 'inherit', 'ipc', far],
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
    } finally {
      libc().close(far);
    }
  }

  /** A process that does not answer is ended: what it listens on would be in doubt. */
  async #ask<Answer>(requests: PendingRequests<Answer>, send: (id: number) => void): Promise<Answer> {
    if (this.#hasEnded) throw new RequestError('gone', 'the proxy has ended');
    try {
      return await requests.open(send);
    } catch (error) {
      if (error instanceof RequestError && error.code === 'timeout') this.kill();
      throw error;
    }
  }

  #sendDescriptors(batch: number, descriptors: readonly number[]): void {
    // Without a channel the process could not be started, and its end is about to be told.
    if (this.#channel === null) return;
    try {
      sendDescriptors(this.#channel, batch, descriptors);
    } catch (error) {
      // Its end is about to be told too.
      if (!(error instanceof SystemError) || !GONE.includes(error.errnoName)) throw error;
    }
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
    else if (message.type === 'listened') this.#listened.settle(message.id, message.failure);
    else if (message.type === 'unlistened') this.#unlistened.settle(message.id, null);
    else this.#events.received(message);
  }

  #end(end: ProxyChildEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#process = null;
    if (this.#channel !== null) libc().close(this.#channel);
    this.#channel = null;
    this.abandonListeners('it has ended');
    this.#events.ended(end);
  }
}
