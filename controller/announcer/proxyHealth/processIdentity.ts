import { readFileSync } from 'node:fs';

/** Fields of /proc/PID/stat behind the program's name, counted from `state` (proc_pid_stat(5): field 3). */
const STATE = 0;
const START_TIME = 19;
/** A process that has ended and whose parent has not looked yet, or is being removed. */
const ENDED_STATES = ['Z', 'X', 'x'];

/** What tells a process from a later one of the same id: when it was started. Null: it has ended, or never was. */
export function readProcessIdentity(pid: number): string | null {
  try {
    return parseProcessIdentity(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    // ENOENT, or ESRCH when it ends while it is read: either way it is not there.
    return null;
  }
}

/** The same of the text of a /proc/PID/stat. */
export function parseProcessIdentity(stat: string): string | null {
  // The name is in parentheses and may hold any character, parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (ENDED_STATES.includes(fields[STATE] ?? 'X')) return null;
  return fields[START_TIME] ?? null;
}
