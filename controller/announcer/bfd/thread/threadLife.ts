import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { libc } from '../../../../core/os/libc.ts';
import type { BfdThreadStart, FromBfdThread, ToBfdThread } from './threadMessages.ts';

/** What one life of the BFD thread begins with, and whom it tells. */
export interface ThreadLifeOptions {
  readonly lifeSigns: SharedArrayBuffer;
  readonly receive: (message: FromBfdThread) => void;
  /** It is gone, called once; `fault` is what it threw, null when it ended as it was told. */
  readonly ended: (fault: unknown) => void;
}

/** One life of the BFD thread, seen from the main thread. */
export interface ThreadLife {
  /** Puts a message where the thread finds it, and wakes it. */
  post(message: ToBfdThread): void;
  /** Ends it in good order, or by force after a second. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends a thread that has stopped listening. Its sockets stay open until the process ends. */
  kill(): void;
}

const ENTRY = new URL(`bfdThread${extname(import.meta.filename)}`, import.meta.url);

/** Ours: it looks up every 200 ms even without being woken. */
const STOP_TIMEOUT_MS = 1_000;

const WAKE_UP = Buffer.from([1]);

/** Starts a thread. Throws SystemError. */
export function startThreadLife({ lifeSigns, receive, ended }: ThreadLifeOptions): ThreadLife {
  const [near, far] = libc().openPacketPair();
  const gone = Promise.withResolvers<void>();
  let isGone = false;
  let fault: unknown = null;
  const workerData: BfdThreadStart = { lifeSigns, wakeDescriptor: far };
  const worker = new Worker(ENTRY, { workerData, name: 'bfd' });
  worker.on('message', receive);
  worker.on('error', (error: unknown) => { fault = error; });
  worker.once('exit', () => {
    isGone = true;
    for (const descriptor of [near, far]) libc().close(descriptor);
    gone.resolve();
    ended(fault);
  });
  const post = (message: ToBfdThread): void => {
    worker.postMessage(message);
    // A full queue holds wake-ups enough.
    if (!isGone) libc().send(near, WAKE_UP, null);
  };
  return {
    post,
    stop: async () => {
      post({ type: 'stop' });
      const timer = setTimeout(() => { void worker.terminate(); }, STOP_TIMEOUT_MS);
      await gone.promise;
      clearTimeout(timer);
    },
    kill: () => { void worker.terminate(); },
  };
}
