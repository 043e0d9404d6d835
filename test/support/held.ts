import { readdir, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from './processState.ts';

/** What a leak would show in. */
export interface Held {
  readonly descriptors: number;
  readonly sockets: number;
  /** What the kernel keeps for the process's timers and waits: epoll instances, eventfds, timerfds. */
  readonly anonymous: number;
  readonly threads: number;
  readonly residentBytes: number;
}

/** Of a process, as it is now. */
export async function heldBy(pid: number): Promise<Held> {
  const names = await readdir(`/proc/${pid}/fd`);
  // A descriptor may be gone by the time it is looked at.
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return {
    descriptors: targets.length,
    sockets: targets.filter((target) => target.startsWith('socket:')).length,
    anonymous: targets.filter((target) => target.startsWith('anon_inode:')).length,
    threads: (await readdir(`/proc/${pid}/task`)).length,
    residentBytes: await residentBytes(pid),
  };
}

/** All but memory. */
export function counts({ descriptors, sockets, anonymous, threads }: Held): Omit<Held, 'residentBytes'> {
  return { descriptors, sockets, anonymous, threads };
}

/** Times 100 ms: what is idle towards the backend goes after a second. */
const MOST_WAITS = 300;

/** Waits until there are no more than `descriptors` again, or for so long that they will not go any more. */
export async function quiet(pid: number, descriptors: number): Promise<Held> {
  for (let wait = 0; wait < MOST_WAITS; wait += 1) {
    const held = await heldBy(pid);
    if (held.descriptors <= descriptors) return held;
    await sleep(100);
  }
  return heldBy(pid);
}
