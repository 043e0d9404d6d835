import { readFileSync } from 'node:fs';

/** A counter of /proc/net/netstat, such as `TCPMinTTLDrop`: of this network namespace. */
export function readKernelCounter(name: string): number {
  const lines = readFileSync('/proc/self/net/netstat', 'latin1').split('\n').filter((line) => line.startsWith('TcpExt:'));
  const [names, values] = lines.map((line) => line.split(' '));
  return Number(values?.[names?.indexOf(name) ?? -1]);
}

/** Resolves when it is more than `before`. */
export async function counterRises(name: string, before: number): Promise<void> {
  while (readKernelCounter(name) <= before) await new Promise((resolve) => setTimeout(resolve, 10));
}
