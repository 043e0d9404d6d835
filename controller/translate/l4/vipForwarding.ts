import { isIPv4 } from 'node:net';
import type { NodeFacts } from '../nodeFacts.ts';
import type { TranslateOptions } from '../translation.ts';

/** Whether the proxy of this machine carries the ports of an address, and why, in words for people. */
export interface VipForwarding {
  readonly carried: boolean;
  readonly reason: string;
  /** The address cannot be expected to be bound, though that was asked for. */
  readonly unlikely: boolean;
}

/** Judges one VIP by this Node, `--vips` and the addresses of this machine. */
export function judgeVip(address: string, options: Pick<TranslateOptions, 'vips' | 'localAddresses'>, node: NodeFacts): VipForwarding {
  const kept = keptAway(node);
  if (kept !== null && options.vips !== 'off') return { carried: false, reason: `${address} is not carried here: ${kept}`, unlikely: false };
  const bound = `${address} is bound by the proxy on this machine`;
  const local = isLocal(address, options.localAddresses);
  switch (options.vips) {
    case 'off':
      return { carried: false, reason: `${address} is only assigned (--vips off): Gatehouse does not answer for it on this machine`, unlikely: false };
    case 'auto':
      if (local) return { carried: true, reason: bound, unlikely: false };
      return {
        carried: false,
        reason: `${address} is no address of this machine, so Gatehouse does not answer for it here; an address added to an interface is bound within seconds`,
        unlikely: false,
      };
    case 'bind':
      return { carried: true, reason: bound, unlikely: !local };
  }
}

/** Why load balancers leave this Node alone (KEP-1143), in words; null: they need not. */
function keptAway({ excluded, networkUnavailable }: NodeFacts): string | null {
  if (excluded) return 'this Node has the label node.kubernetes.io/exclude-from-external-load-balancers';
  return networkUnavailable ? "this Node's condition NetworkUnavailable is True" : null;
}

/** Every address of 127.0.0.0/8 is one of every Linux machine. */
function isLocal(address: string, localAddresses: readonly string[]): boolean {
  return (isIPv4(address) && address.startsWith('127.')) || address === '::1' || localAddresses.includes(address);
}
