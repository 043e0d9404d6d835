import { randomBytes, randomInt } from 'node:crypto';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { libc } from '../../../../core/os/libc.ts';
import { monotonicClock } from '../../../../core/time/clock.ts';
import { createBfdSessions } from '../session/bfdSessions.ts';
import { runBfdLoop } from './bfdLoop.ts';
import { addressKey, createBfdWire } from './bfdWire.ts';
import { createEchoWire } from './echoWire.ts';
import { createInterfaceIndexes } from './interfaceIndexes.ts';
import { readLifeSigns } from './lifeSigns.ts';
import { raisePriority } from './raisePriority.ts';
import type { BfdThreadStart, FromBfdThread, ToBfdThread } from './threadMessages.ts';

/** Octets of wake-ups taken at once; each is one. */
const WAKE_BYTES = 16;

/** The BFD thread. It sleeps in poll(2), not in an event loop: nothing runs between a packet that is due and its sending. */
function runBfdThread({ wakeDescriptor, lifeSigns }: BfdThreadStart): void {
  const port = parentPort;
  if (port === null) throw new Error('the BFD thread runs as a worker thread only');
  const report = (message: FromBfdThread): void => { port.postMessage(message); };
  const nowMs = (): number => monotonicClock.now();
  const wire = createBfdWire({ report, random: Math.random });
  const echoWire = createEchoWire(report);
  const indexes = createInterfaceIndexes((name) => libc().interfaceIndex(name), nowMs);
  const sessions = createBfdSessions({
    random: Math.random, drawDiscriminator: () => randomInt(2 ** 32), randomOctets: (count) => randomBytes(count), addressKey,
    interfaceIndex: (name) => indexes.find(name),
  });
  const wakeUps = Buffer.alloc(WAKE_BYTES);
  const wait = (descriptors: readonly number[], timeoutMs: number): ReadonlySet<number> => {
    const ready = libc().waitReadable([wakeDescriptor, ...descriptors], timeoutMs);
    if (ready.includes(wakeDescriptor)) while ((libc().receive(wakeDescriptor, wakeUps) ?? 0) > 0);
    return new Set(ready);
  };
  const nextMessage = (): ToBfdThread | null => {
    const received: { message: ToBfdThread } | undefined = receiveMessageOnPort(port);
    return received?.message ?? null;
  };
  report({ type: 'ready', priority: raisePriority() });
  try {
    runBfdLoop({ sessions, wire, echoWire, nextMessage, report, wait, lifeSigns: readLifeSigns(lifeSigns), nowMs, wallMs: () => Date.now() });
  } finally {
    wire.close();
    echoWire.close();
    port.close();
  }
}

// The main thread's own types: both are of one program, in one process.
runBfdThread(workerData as BfdThreadStart);
