import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { libc } from '../../../../core/os/libc.ts';
import { monotonicClock } from '../../../../core/time/clock.ts';
import { createL2Machine } from '../l2Machine.ts';
import { readConfirmation } from './confirmation.ts';
import { runThreadLoop } from './threadLoop.ts';
import type { FromL2Thread, L2ThreadStart, ToL2Thread } from './threadMessages.ts';
import { createWire } from './wire.ts';

/** Octets of wake-ups taken at once; each is one. */
const WAKE_BYTES = 16;

/**
 * The L2 thread. It sleeps in poll(2), not in an event loop: a frame is answered by the call that returns from there, and nothing else
 * runs in between.
 */
function runL2Thread(start: L2ThreadStart): void {
  const port = parentPort;
  if (port === null) throw new Error('the L2 thread runs as a worker thread only');
  const { wakeDescriptor } = start;
  const report = (message: FromL2Thread): void => { port.postMessage(message); };
  const machine = createL2Machine({ gratuitousIntervalMs: start.gratuitousIntervalMs });
  const wire = createWire({ groupsOf: (index) => machine.groups(index), report });
  const wakeUps = Buffer.alloc(WAKE_BYTES);
  const wait = (descriptors: readonly number[], timeoutMs: number): ReadonlySet<number> => {
    const ready = libc().waitReadable([wakeDescriptor, ...descriptors], timeoutMs);
    if (ready.includes(wakeDescriptor)) while ((libc().receive(wakeDescriptor, wakeUps) ?? 0) > 0);
    return new Set(ready);
  };
  const nextMessage = (): ToL2Thread | null => {
    const received: { message: ToL2Thread } | undefined = receiveMessageOnPort(port);
    return received?.message ?? null;
  };
  report({ type: 'ready' });
  try {
    runThreadLoop({
      machine, wire, nextMessage, report, wait, confirmation: readConfirmation(start.confirmation), nowMs: () => monotonicClock.now(),
      wallMs: () => Date.now(),
    });
  } finally {
    wire.close();
    port.close();
  }
}

// The main thread's own types: both are of one program, in one process.
runL2Thread(workerData as L2ThreadStart);
