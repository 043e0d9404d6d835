import { Worker } from 'node:worker_threads';
import { libc } from '../../../core/os/libc.ts';

/** What one life of a thread begins with, and whom it tells. */
export interface ThreadLifeOptions<FromThread> {
  readonly entry: URL;
  readonly name: string;
  /** What the thread finds as its `workerData`, `wakeDescriptor` being the descriptor to wait at. */
  readonly workerData: (wakeDescriptor: number) => object;
  readonly receive: (message: FromThread) => void;
  /** It is gone, called once; `fault` is what it threw, null when it ended as it was told. */
  readonly ended: (fault: unknown) => void;
}

/** One life of a thread that waits in poll(2) rather than in an event loop, seen from the main thread. */
export interface ThreadLife<ToThread> {
  /** Puts a message where the thread finds it; it looks when it is woken, or does something anyway. */
  post(message: ToThread | Stop): void;
  wake(): void;
  /** Ends it in good order, or by force after a second. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends a thread that has stopped listening. Its sockets stay open until the process ends: nobody else knows them. */
  kill(): void;
}

interface Stop {
  readonly type: 'stop';
}

/** Ours: such a thread looks up every 200 ms even without being woken. */
const STOP_TIMEOUT_MS = 1_000;

const WAKE_UP = Buffer.from([1]);

/** Starts a thread. Throws SystemError. */
export function startThreadLife<ToThread, FromThread>({ entry, name, workerData, receive, ended }: ThreadLifeOptions<FromThread>): ThreadLife<ToThread> {
  const [near, far] = libc().openPacketPair();
  const gone = Promise.withResolvers<void>();
  let isGone = false;
  let fault: unknown = null;
  const worker = new Worker(entry, { workerData: workerData(far), name });
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
  const post = (message: ToThread | Stop): void => { worker.postMessage(message); };
  return {
    post,
    wake,
    stop: async () => {
      post({ type: 'stop' });
      wake();
      const timer = setTimeout(() => { void worker.terminate(); }, STOP_TIMEOUT_MS);
      await gone.promise;
      clearTimeout(timer);
    },
    kill: () => { void worker.terminate(); },
  };
}
