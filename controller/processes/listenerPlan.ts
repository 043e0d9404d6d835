import { transportOf, type OpenListener } from './listenerSockets.ts';
import type { ListenerAddress } from '../../core/ipc/messages.ts';

/** What is open: `fixed` stays whatever is wanted. */
export interface ListenersNow {
  readonly fixed: readonly OpenListener[];
  readonly dynamic: readonly OpenListener[];
}

/** What to do about one wanted listener. */
export type ListenerStep =
  | { readonly type: 'keep'; readonly open: OpenListener }
  | { readonly type: 'add' }
  /** Add it once what has its port now, for another protocol or with other sockets, is closed. */
  | { readonly type: 'replace' }
  /** An earlier entry says the same. */
  | { readonly type: 'same'; readonly as: ListenerAddress }
  /** An earlier entry, or a fixed listener, has its port for another protocol. */
  | { readonly type: 'refuse' };

/** How to come from the listeners that are open to those that are wanted. */
export interface ListenerPlan {
  /** Wanted listener → step, in the order of what is wanted. */
  readonly steps: ReadonlyMap<ListenerAddress, ListenerStep>;
  /** Open and wanted no more. */
  readonly unwanted: readonly OpenListener[];
}

/**
 * Compares what is open with the complete set of what is wanted (each entry an object of its own). An entry that asks for
 * port 0 is the same as the one that was opened for it.
 */
export function planListeners(wanted: readonly ListenerAddress[], now: ListenersNow): ListenerPlan {
  const openByKey = new Map([
    ...now.dynamic.map((open) => [keyOf(open, open.wantedPort), open] as const),
    ...[...now.dynamic, ...now.fixed].map((open) => [keyOf(open, open.port), open] as const),
  ]);
  const fixed = new Set(now.fixed);
  const firstByKey = new Map<string, ListenerAddress>();
  const steps = new Map<ListenerAddress, ListenerStep>();
  for (const listener of wanted) {
    const key = keyOf(listener, listener.port);
    const first = firstByKey.get(key);
    const open = openByKey.get(key);
    if (first === undefined) firstByKey.set(key, listener);
    if (first !== undefined) steps.set(listener, first.protocol === listener.protocol ? { type: 'same', as: first } : { type: 'refuse' });
    else if (open === undefined) steps.set(listener, { type: 'add' });
    else if (open.protocol === listener.protocol && open.transparent === listener.transparent) steps.set(listener, { type: 'keep', open });
    else steps.set(listener, { type: fixed.has(open) ? 'refuse' : 'replace' });
  }
  const stays = new Set([...steps.values()].map((step) => (step.type === 'keep' ? step.open : null)));
  return { steps, unwanted: now.dynamic.filter((open) => !stays.has(open)) };
}

/** Listeners with the same key exclude each other: a port belongs to one protocol, but asking for any port is each protocol's own. */
function keyOf({ protocol, address }: ListenerAddress, port: number): string {
  return `${port === 0 ? protocol : transportOf(protocol)} ${address} ${port}`;
}
