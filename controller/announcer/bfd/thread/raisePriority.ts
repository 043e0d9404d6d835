import { libc } from '../../../../core/os/libc.ts';
import { SystemError } from '../../../../core/os/systemError.ts';

/** How the kernel treats a thread among others: before all of them, before most, or like any. */
export type ThreadPriority = 'real-time' | 'raised' | 'normal';

/** Lowest of the real-time priorities: what the kernel does for itself, and other real-time threads, still go first. */
const REAL_TIME_PRIORITY = 1;
const NICE = -10;

/**
 * Asks for the calling thread to go first, and answers what was granted: real time needs CAP_SYS_NICE or RLIMIT_RTPRIO of 1, a nice
 * value CAP_SYS_NICE or RLIMIT_NICE of 30. It sleeps nearly always; what counts is that it wakes up in time on a node where much else runs.
 */
export function raisePriority(): ThreadPriority {
  if (isGranted(() => { libc().setRealTimePriority(REAL_TIME_PRIORITY); })) return 'real-time';
  return isGranted(() => { libc().setNiceValue(NICE); }) ? 'raised' : 'normal';
}

function isGranted(ask: () => void): boolean {
  try {
    ask();
    return true;
  } catch (error) {
    // Not permitted, or (musl) not known: no reason not to speak.
    if (!(error instanceof SystemError)) throw error;
    return false;
  }
}
