import { availableParallelism } from 'node:os';

/** Cores of each part of a row, as taskset takes them. */
export interface CorePlan {
  readonly server: string;
  readonly backend: string;
  readonly load: string;
}

/** With three cores or more, server, backend and load stand apart; with two, backend and load share one. */
export function corePlan(): CorePlan {
  const count = availableParallelism();
  if (count >= 3) return { server: '1', backend: '2', load: count >= 4 ? '3' : '0' };
  return { server: '1', backend: '0', load: '0' };
}
