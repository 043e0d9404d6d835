import { randomBytes, randomInt } from 'node:crypto';
import { libc } from '../../../../core/os/libc.ts';
import { monotonicClock } from '../../../../core/time/clock.ts';
import { openPollingThread } from '../../thread/pollingThread.ts';
import { createBfdSessions } from '../session/bfdSessions.ts';
import { runBfdLoop } from './bfdLoop.ts';
import { addressKey, createBfdWire } from './bfdWire.ts';
import { createEchoWire } from './echoWire.ts';
import { createInterfaceIndexes } from './interfaceIndexes.ts';
import { readLifeSigns } from './lifeSigns.ts';
import { raisePriority } from './raisePriority.ts';
import type { BfdThreadStart, FromBfdThread, ToBfdThread } from './threadMessages.ts';

/** The BFD thread. */
function runBfdThread(): void {
  const { start, report, nextMessage, wait, close } = openPollingThread<BfdThreadStart, ToBfdThread, FromBfdThread>();
  const nowMs = (): number => monotonicClock.now();
  const wire = createBfdWire({ report, random: Math.random });
  const echoWire = createEchoWire(report);
  const indexes = createInterfaceIndexes((name) => libc().interfaceIndex(name), nowMs);
  const sessions = createBfdSessions({
    random: Math.random, drawDiscriminator: () => randomInt(2 ** 32), randomOctets: (count) => randomBytes(count), addressKey,
    interfaceIndex: (name) => indexes.find(name),
  });
  report({ type: 'ready', priority: raisePriority() });
  try {
    runBfdLoop({ sessions, wire, echoWire, nextMessage, report, wait, lifeSigns: readLifeSigns(start.lifeSigns), nowMs, wallMs: () => Date.now() });
  } finally {
    wire.close();
    echoWire.close();
    close();
  }
}

runBfdThread();
