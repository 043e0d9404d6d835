import { isIPv4 } from 'node:net';
import type { NodeFacts } from '../nodeFacts.ts';
import type { TranslateOptions } from '../translation.ts';

/** How packets for an address are taken in on this machine, and why, in words for people. */
export interface VipForwarding {
  /** `bind`: it is on an interface, and the proxy listens on it. `kernel`: it is on none, and nftables takes it in. */
  readonly by: 'bind' | 'kernel' | 'none';
  readonly reason: string;
  /** What was asked for and cannot be expected to work; null: nothing. */
  readonly doubt: { readonly rule: string; readonly effect: string } | null;
}

/** What decides beside the address. */
export interface VipFacts {
  /** The Node that this is. */
  readonly node: NodeFacts;
  /** An L2Advertisement or a BGPAdvertisement is for it. */
  readonly announced: boolean;
}

type VipOptions = Pick<TranslateOptions, 'vips' | 'localAddresses' | 'kernelRefusal'>;

const UNBOUND = {
  rule: 'needs its address on an interface of this machine, as --vips bind is given',
  effect: 'nobody reaches it here until the address is there, or net.ipv4.ip_nonlocal_bind allows to bind it without',
} as const;

/** Judges one VIP by this Node, `--vips`, the addresses of this machine, and whether it is announced. */
export function judgeVip(address: string, options: VipOptions, { node, announced }: VipFacts): VipForwarding {
  const { vips } = options;
  if (vips === 'off') return none(`${address} is only assigned (--vips off): Gatehouse does not answer for it on this machine`);
  const kept = keptAway(node);
  const local = isLocal(address, options.localAddresses);
  if (kept !== null) {
    // Clients that still come by this Node are carried until they have been led away.
    if (announced && !local && vips !== 'bind' && options.kernelRefusal === null) return { by: 'kernel', reason: `${address} is not announced from here: ${kept}`, doubt: null };
    return none(`${address} is not carried here: ${kept}`);
  }
  if (vips === 'bind' || local) {
    return { by: 'bind', reason: `${address} is bound by the proxy on this machine`, doubt: local ? null : UNBOUND };
  }
  if (vips === 'auto' && !announced) {
    return none(`${address} is no address of this machine and no L2Advertisement or BGPAdvertisement is for it, so Gatehouse does not answer for it here; an address added to an interface is bound within seconds`);
  }
  return kernel(address, options.kernelRefusal);
}

function none(reason: string): VipForwarding {
  return { by: 'none', reason, doubt: null };
}

function kernel(address: string, refusal: string | null): VipForwarding {
  if (refusal === null) return { by: 'kernel', reason: `${address} is taken in by the kernel (nftables)`, doubt: null };
  const doubt = { rule: `cannot be taken in by the kernel here: ${refusal}`, effect: 'nobody reaches it through this machine' };
  return { by: 'none', reason: `${address} is not taken in: ${refusal}`, doubt };
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
