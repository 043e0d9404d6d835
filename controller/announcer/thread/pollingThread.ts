import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { libc } from '../../../core/os/libc.ts';

/** A thread that sleeps in poll(2), not in an event loop, as it sees its owner: nothing runs between what wakes it and its answer. */
export interface PollingThread<Start, ToThread, FromThread> {
  /** What it was started with. */
  readonly start: Start;
  readonly report: (message: FromThread) => void;
  /** The next message that waits; null: none. */
  readonly nextMessage: () => ToThread | null;
  /** Waits up to `timeoutMs` for a message or for something to read among `descriptors`: which can be read. */
  readonly wait: (descriptors: readonly number[], timeoutMs: number) => ReadonlySet<number>;
  /** Nothing keeps the thread from ending. */
  readonly close: () => void;
}

/** Octets of wake-ups taken at once; each is one. */
const WAKE_BYTES = 16;

/** For the entry of a thread that `startThreadLife` starts, `wakeDescriptor` being the one it gives. Throws where there is no such thread. */
export function openPollingThread<Start extends { readonly wakeDescriptor: number }, ToThread, FromThread>(): PollingThread<Start, ToThread, FromThread> {
  const port = parentPort;
  if (port === null) throw new Error('this runs as a worker thread only');
  // The owner's own types: both are of one program, in one process.
  const start = workerData as Start;
  const wakeUps = Buffer.alloc(WAKE_BYTES);
  return {
    start,
    report: (message) => { port.postMessage(message); },
    nextMessage: () => {
      const received: { message: ToThread } | undefined = receiveMessageOnPort(port);
      return received?.message ?? null;
    },
    wait: (descriptors, timeoutMs) => {
      const ready = libc().waitReadable([start.wakeDescriptor, ...descriptors], timeoutMs);
      if (ready.includes(start.wakeDescriptor)) while ((libc().receive(start.wakeDescriptor, wakeUps) ?? 0) > 0);
      return new Set(ready);
    },
    close: () => { port.close(); },
  };
}
