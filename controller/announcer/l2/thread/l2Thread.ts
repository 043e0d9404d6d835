import { monotonicClock } from '../../../../core/time/clock.ts';
import { openPollingThread } from '../../thread/pollingThread.ts';
import { createL2Machine } from '../l2Machine.ts';
import { readConfirmation } from './confirmation.ts';
import { runThreadLoop } from './threadLoop.ts';
import type { FromL2Thread, L2ThreadStart, ToL2Thread } from './threadMessages.ts';
import { createWire } from './wire.ts';

/** The L2 thread: a frame is answered by the call that finds it. */
function runL2Thread(): void {
  const { start, report, nextMessage, wait, close } = openPollingThread<L2ThreadStart, ToL2Thread, FromL2Thread>();
  const machine = createL2Machine({ gratuitousIntervalMs: start.gratuitousIntervalMs });
  const wire = createWire({ groupsOf: (index) => machine.groups(index), report });
  report({ type: 'ready' });
  try {
    runThreadLoop({
      machine, wire, nextMessage, report, wait, confirmation: readConfirmation(start.confirmation), nowMs: () => monotonicClock.now(),
      wallMs: () => Date.now(),
    });
  } finally {
    wire.close();
    close();
  }
}

runL2Thread();
