import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ConntrackFlush, StaleFlows } from '../kernel/kernelParts.ts';
import { CONNTRACK_GET_STATISTICS, decodeConntrackCount, encodeConntrackStatistics } from './conntrackMessage.ts';
import { flushFlows, openConntrackClient } from './flushFlows.ts';

/** Looking through this many takes the kernel 100 ms, in which this thread does nothing else; it must renew what the L2 thread may say. */
const LARGE_TABLE_ENTRIES = 500_000;
const THREAD = new URL(`flushThread${extname(import.meta.filename)}`, import.meta.url);

/**
 * Connection tracking of this process's network namespace, by ctnetlink; a table of more than `largeTableEntries` is looked through
 * in a thread of its own. `flush` rejects with NetlinkError or SystemError, or with what ended the thread.
 */
export function createConntrackFlush({ largeTableEntries = LARGE_TABLE_ENTRIES }: { readonly largeTableEntries?: number } = {}): ConntrackFlush {
  return {
    flush: async (flows) => {
      if (flows.length === 0) return;
      await (countEntries() > largeTableEntries ? flushInThread(flows) : flushFlows(flows));
    },
  };
}

function countEntries(): number {
  const client = openConntrackClient();
  try {
    const answers = client.request({ type: CONNTRACK_GET_STATISTICS, parts: encodeConntrackStatistics(), purpose: 'count connection tracking entries' });
    return answers.map(({ payload }) => decodeConntrackCount(payload)).find((count) => count !== null) ?? 0;
  } finally {
    client.close();
  }
}

async function flushInThread(flows: readonly StaleFlows[]): Promise<void> {
  // Rejects with the thread's error.
  await once(new Worker(THREAD, { workerData: flows, name: 'conntrack' }), 'exit');
}
