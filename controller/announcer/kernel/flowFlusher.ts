import type { PortChange } from './forwardingTable.ts';
import type { ConntrackFlush, StaleFlows } from './kernelParts.ts';

/**
 * Has UDP flows forgotten that lead to endpoints which are gone, so that clients move at once: UDP has no end by itself, and an
 * entry that its client keeps in use would stay for ever. TCP connections end by themselves, and may drain.
 */
export interface FlowFlusher {
  /**
   * To be called once the kernel has the changes: until then, packets make the same flows anew. Throws what the flush throws, and
   * remembers what is still due.
   */
  after(changes: readonly PortChange[]): Promise<void>;
}

export function createFlowFlusher(conntrack: ConntrackFlush): FlowFlusher {
  const due = new Map<string, StaleFlows>();
  return {
    after: async (changes) => {
      for (const change of changes) {
        const flows = flowsOf(change);
        const key = `${flows.vip} ${flows.port}`;
        if (flows.protocol === 'udp' && (leavesStale(change) || due.has(key))) due.set(key, flows);
      }
      if (due.size === 0) return;
      await conntrack.flush([...due.values()]);
      due.clear();
    },
  };
}

function flowsOf(change: PortChange): StaleFlows {
  const { protocol, address, port } = (change.after ?? change.before).port;
  return { protocol, vip: address, port, keep: change.after?.flowEndpoints ?? [] };
}

/** What was there before the first word about a port (kube-proxy's, an earlier run's) may be stale, too. */
function leavesStale({ before, after }: PortChange): boolean {
  const keep = after?.flowEndpoints ?? [];
  return before === null
    || before.flowEndpoints.some(({ address, port }) => !keep.some((each) => each.address === address && each.port === port));
}
