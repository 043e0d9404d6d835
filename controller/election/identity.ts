import { randomUUID } from 'node:crypto';

/** Name of one process in an election, `<node>_<random>` as client-go's users build it: a restarted process is another candidate. */
export function newIdentity(nodeName: string): string {
  return `${nodeName}_${randomUUID()}`;
}
