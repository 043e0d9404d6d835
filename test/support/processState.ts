import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resident memory of a process, octets. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** The most that was ever resident, octets; as the kernel counts it. */
export async function highestResidentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Samples the resident memory of a process until stopped. */
export function watchMemory(pid: number, everyMs = 50): { stop(): Promise<{ readonly firstBytes: number; readonly mostBytes: number }> } {
  let stopped = false;
  const watching = (async () => {
    const firstBytes = await residentBytes(pid);
    let mostBytes = firstBytes;
    while (!stopped) {
      mostBytes = Math.max(mostBytes, await residentBytes(pid));
      await sleep(everyMs);
    }
    return { firstBytes, mostBytes };
  })();
  return {
    stop() {
      stopped = true;
      return watching;
    },
  };
}

/** Resolves once there is no such process any more, zombies included; there is no event for other people's children. */
export async function processGone(pid: number): Promise<void> {
  for (;;) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    if (stat === null || /\) Z /.test(stat)) return;
    await sleep(10);
  }
}

/** True when something accepts connections there. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
