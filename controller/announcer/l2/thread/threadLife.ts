import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { libc } from '../../../../core/os/libc.ts';
import type { FromL2Thread, L2ThreadStart, ToL2Thread } from './threadMessages.ts';

/** What one life of the L2 thread begins with, and whom it tells. */
export interface ThreadLifeOptions {
  readonly start: Omit<L2ThreadStart, 'wakeDescriptor'>;
  readonly receive: (message: FromL2Thread) => void;
  /** It is gone, called once; `fault` is what it threw, null when it ended as it was told. */
  readonly ended: (fault: unknown) => void;
}

/** One life of the L2 thread, seen from the main thread. */
export interface ThreadLife {
  /** Puts a message where the thread finds it; it looks when it is woken, or does something anyway. */
  post(message: ToL2Thread): void;
  wake(): void;
  /** Ends it in good order, or by force after a second. Resolves when it is gone. */
  stop(): Promise<void>;
  /**
   * Ends a thread that has stopped listening. Its sockets stay open until the process ends: nobody else knows them, and nobody reads
   * them.
   */
  kill(): void;
}

const ENTRY = new URL(`l2Thread${extname(import.meta.filename)}`, import.meta.url);

/** Ours: it looks up every 200 ms even without being woken. */
const STOP_TIMEOUT_MS = 1_000;

const WAKE_UP = Buffer.from([1]);

/** Starts a thread. Throws SystemError. */
export function startThreadLife({ start, receive, ended }: ThreadLifeOptions): ThreadLife {
  const [near, far] = libc().openPacketPair();
  const gone = Promise.withResolvers<void>();
  let isGone = false;
  let fault: unknown = null;
  const workerData: L2ThreadStart = { ...start, wakeDescriptor: far };
  const worker = new Worker(ENTRY, { workerData, name: 'l2' });
  worker.on('message', receive);
  worker.on('error', (error: unknown) => { fault = error; });
  worker.once('exit', () => {
    isGone = true;
    for (const descriptor of [near, far]) libc().close(descriptor);
    gone.resolve();
    ended(fault);
  });
  // A full queue holds wake-ups enough.
  const wake = (): void => { if (!isGone) libc().send(near, WAKE_UP, null); };
  return {
    post: (message) => { worker.postMessage(message); },
    wake,
    stop: async () => {
      worker.postMessage({ type: 'stop' } satisfies ToL2Thread);
      wake();
      const timer = setTimeout(() => { void worker.terminate(); }, STOP_TIMEOUT_MS);
      await gone.promise;
      clearTimeout(timer);
    },
    kill: () => { void worker.terminate(); },
  };
}
