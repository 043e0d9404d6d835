import type { Cluster } from './cluster.ts';

/** What an announcer says that was kept from running: it answers nothing for a moment, and others may take over. */
const STALLED = /^this process (?:stood still|was stopped or stuck)/;

/** How often nodes of a cluster were kept from running so far, as they say: a machine that does much else does that to them. */
export function stalls({ gatehouses }: Cluster): number {
  return gatehouses.flatMap(({ log }) => log).filter(({ message }) => STALLED.test(String(message))).length;
}
