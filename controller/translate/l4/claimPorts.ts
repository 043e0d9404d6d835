import { isIPv4 } from 'node:net';
import { l4Key, type L4Key, type L4Listener } from '../../../core/ir/l4.ts';
import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { ForwardedPort } from '../../announcer/wanted.ts';
import { refOf } from '../../model/objects.ts';
import { compareAge, compareText } from '../ingressAge.ts';
import { problemOf } from '../problemOf.ts';
import type { ReservedAddress, VipListener } from '../translation.ts';
import type { PortClaim } from './portClaim.ts';

/** Who got which port. */
export interface ClaimedPorts {
  readonly listeners: ReadonlyMap<L4Key, L4Listener>;
  readonly vipListeners: readonly VipListener[];
  /** Ports that the kernel forwards, or hands to the proxy. */
  readonly forwarded: ReadonlyMap<L4Key, ForwardedPort>;
  readonly problems: readonly Problem[];
}

const RESERVED_FOR = { http: 'the HTTP listener', https: 'the HTTPS listener', admin: 'the admin API' } as const;

/**
 * Gives each address, port and protocol to the oldest object that asks for it; whoever comes later has a problem, once for
 * each of its fields. What Gatehouse listens on by itself goes to nobody.
 */
export function claimPorts(claims: readonly PortClaim[], reserved: readonly ReservedAddress[]): ClaimedPorts {
  const holders = new Map<L4Key, PortClaim>();
  /** field of an object → its problem. */
  const problems = new Map<string, Problem>();
  const sorted = claims.toSorted((a, b) => compareAge(a.object, b.object) || compareText(a.object.kind, b.object.kind));
  for (const claim of sorted) {
    if (isServedAlready(claim, reserved)) continue;
    const key = l4Key(claim.protocol, claim.address, claim.port);
    const holder = holderOf(claim, reserved, holders.get(key));
    if (holder === null) holders.set(key, claim);
    else problems.set(`${printRef(refOf(claim.object))} ${claim.field} ${holder}`, conflict(claim, key, holder));
  }
  const entries = [...holders].toSorted(([a], [b]) => compareText(a, b));
  return {
    listeners: new Map(entries.flatMap(([key, claim]) => listenerOf(key, claim))),
    vipListeners: entries.flatMap(([, claim]) => vipListenerOf(claim)),
    forwarded: new Map(entries.flatMap(([key, claim]) => forwardedOf(key, claim))),
    problems: [...problems.values()],
  };
}

/** A VIP of the publish Service on whose port all addresses are listened on needs nothing more. */
function isServedAlready({ use, address, port, viaKernel }: PortClaim, reserved: readonly ReservedAddress[]): boolean {
  // Only a transparent socket may answer from an address that is on no interface.
  return !viaKernel && reserved.some((one) => one.protocol === use.type && one.port === port && (one.address === address || covers(one.address, address)));
}

/** Who has the port already; null: nobody. */
function holderOf(claim: PortClaim, reserved: readonly ReservedAddress[], holder: PortClaim | undefined): string | null {
  if (holder !== undefined) return printRef(refOf(holder.object));
  const own = claim.protocol === 'udp' || claim.use.type === 'kernel' ? undefined : reserved.find((one) => one.port === claim.port && collides(claim.address, one));
  return own === undefined ? null : `${RESERVED_FOR[own.protocol]} of Gatehouse itself`;
}

/** The kernel prefers the more specific of two sockets, so a VIP may stand beside HTTP on all addresses. */
function collides(address: string, reserved: ReservedAddress): boolean {
  if (address === reserved.address || covers(address, reserved.address)) return true;
  return reserved.protocol === 'admin' && covers(reserved.address, address);
}

function covers(wildcard: string, address: string): boolean {
  return wildcard === '0.0.0.0' ? isIPv4(address) : wildcard === '::' && !isIPv4(address);
}

function conflict(claim: PortClaim, key: L4Key, holder: string): Problem {
  return problemOf(claim.object, {
    severity: 'error',
    field: claim.field,
    rule: `must not ask for an address and port that ${holder} has`,
    value: key,
    effect: 'the port is not opened for it',
  });
}

function listenerOf(key: L4Key, { protocol, address, port, use }: PortClaim): [L4Key, L4Listener][] {
  return use.type === 'route' ? [[key, { key, protocol, address, port, route: use.route }]] : [];
}

function vipListenerOf({ address, port, use }: PortClaim): VipListener[] {
  return use.type === 'http' || use.type === 'https' ? [{ protocol: use.type, address, port }] : [];
}

function forwardedOf(key: L4Key, { protocol, address, port, use, viaKernel }: PortClaim): [L4Key, ForwardedPort][] {
  if (!viaKernel) return [];
  const place = { key, protocol, address, port };
  if (use.type === 'kernel') return [[key, { ...place, to: use.target, sourceRanges: use.sourceRanges }]];
  // The proxy judges clients itself, by the address that a PROXY header names.
  return [[key, { ...place, to: { type: 'proxy' }, sourceRanges: null }]];
}
