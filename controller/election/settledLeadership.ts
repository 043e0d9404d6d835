import type { Leadership } from './leadership.ts';

/**
 * Leadership that begins only when this process has seen what the leader before it wrote. What it watches may lag behind, or be dead
 * without knowing, while its Lease is taken by another connection: it would give addresses that are given already. `catchUp` reads
 * anew; it is called once for each term, and must not reject. The end of leadership is not delayed by anything.
 */
export function createSettledLeadership(inner: Leadership, catchUp: () => Promise<void>): Leadership {
  const listeners = new Set<() => void>();
  /** Number of the term that has caught up; terms count up with each change. */
  let term = 0;
  let settledTerm = -1;
  let wasLeader = false;

  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const begin = (): void => {
    term += 1;
    const own = term;
    void catchUp().then(() => {
      if (own !== term || !inner.isLeader()) return;
      settledTerm = own;
      tell();
    });
  };
  const follow = (): void => {
    const isLeader = inner.isLeader();
    if (isLeader && !wasLeader) begin();
    if (!isLeader && wasLeader) term += 1;
    wasLeader = isLeader;
    tell();
  };
  inner.onChange(follow);
  if (inner.isLeader()) follow();
  return {
    isLeader: () => settledTerm === term && inner.isLeader(),
    holder: () => inner.holder(),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
