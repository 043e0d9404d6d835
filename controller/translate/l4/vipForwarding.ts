import { isIPv4 } from 'node:net';
import type { TranslateOptions } from '../translation.ts';

/** Whether the proxy of this machine carries the ports of an address, and why, in words for people. */
export interface VipForwarding {
  readonly carried: boolean;
  readonly reason: string;
  /** The address cannot be expected to be bound, though that was asked for. */
  readonly unlikely: boolean;
}

/** Judges one VIP by `--vips` and the addresses of this machine. */
export function judgeVip(address: string, options: Pick<TranslateOptions, 'vips' | 'localAddresses'>): VipForwarding {
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

/** Every address of 127.0.0.0/8 is one of every Linux machine. */
function isLocal(address: string, localAddresses: readonly string[]): boolean {
  return (isIPv4(address) && address.startsWith('127.')) || address === '::1' || localAddresses.includes(address);
}
