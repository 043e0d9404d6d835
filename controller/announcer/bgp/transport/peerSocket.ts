import { isIPv4 } from 'node:net';
import { openTcpSocket, type TcpAddress, type TcpKey } from '../../../../core/os/tcpSocket.ts';
import { SystemError } from '../../../../core/os/systemError.ts';
import type { TransportPeer } from './transport.ts';

/** Where the router of a peer is. */
export interface RouterPlace extends TcpAddress {
  /** For link-local addresses; null: none is needed. */
  readonly interface: string | null;
}

/** Opens the socket of a connection to `router`; whoever gets the descriptor owns it. Throws SystemError. */
export function openPeerSocket(peer: TransportPeer, router: RouterPlace): number {
  const { sourceAddress, vrf, ttl, minimumTtl } = peer;
  return openTcpSocket({
    family: isIPv4(router.address) ? 'ipv4' : 'ipv6',
    subject: sourceAddress === null ? printPlace(peer, router) : `source address ${sourceAddress}`,
    // The scope of a link-local address says already which interface; that of a VRF must be said.
    device: vrf,
    bind: sourceAddress === null ? null : { address: sourceAddress, scopeId: router.scopeId, port: 0 },
    hopLimits: { sent: ttl, received: minimumTtl },
    keys: keysOf(peer, router),
  });
}

/** The keys of a peer, whose router has this address: one, or none. */
export function keysOf({ authentication }: TransportPeer, { address, scopeId }: TcpAddress): readonly TcpKey[] {
  const peer = { address, scopeId };
  switch (authentication?.type) {
    case undefined: return [];
    case 'md5': return [{ type: 'md5', peer, key: Buffer.from(authentication.password, 'latin1') }];
    case 'ao': return [{
      type: 'ao', peer, key: Buffer.from(authentication.key, 'latin1'), algorithm: authentication.algorithm,
      sendId: authentication.keyId, receiveId: authentication.receiveKeyId,
    }];
  }
}

/** Why the socket of a peer could not be made, in words. */
export function explainSocketFailure(peer: TransportPeer, error: unknown): string {
  if (!(error instanceof SystemError)) return error instanceof Error ? error.message : String(error);
  const lacksOption = ['ENOPROTOOPT', 'EOPNOTSUPP'].includes(error.errnoName);
  if (lacksOption && peer.authentication?.type === 'ao') {
    return 'this kernel has no TCP-AO (RFC 5925), which needs Linux 6.7 with CONFIG_TCP_AO: use an MD5 password, or another kernel';
  }
  if (lacksOption && peer.authentication?.type === 'md5') return 'this kernel has no TCP MD5 signatures (RFC 2385), which needs CONFIG_TCP_MD5SIG';
  return error.message;
}

/** Why a connection could not be opened, or was lost, in words. */
export function explainConnectionError(peer: TransportPeer, router: RouterPlace, error: Error): string {
  const place = printPlace(peer, router);
  const code: unknown = Reflect.get(error, 'code');
  switch (code) {
    case 'ECONNREFUSED': return `${place} refuses the connection: no BGP speaker listens there, or it does not know this node`;
    case 'ECONNRESET': return `${place} has reset the connection`;
    case 'ETIMEDOUT': return sayNoAnswer(peer, router);
    case 'EHOSTUNREACH': return `${place} cannot be reached: nobody on the link has this address, or a router knows no way`;
    case 'ENETUNREACH': return `${place} cannot be reached: this node has no route to it`;
    case 'EPIPE': return `${place} has closed the connection`;
    default: return `${place}: ${error.message}`;
  }
}

/** It was there, and gone before it could be looked at. */
export function sayClosedAtOnce(peer: TransportPeer, router: RouterPlace): string {
  return `${printPlace(peer, router)} has closed the connection at once`;
}

/** Nothing has come back. */
export function sayNoAnswer(peer: TransportPeer, router: RouterPlace): string {
  const hints = [
    ...(peer.authentication === null ? [] : ['a password that is not the same on both sides looks like this']),
    ...(peer.minimumTtl === null ? [] : [`packets with a TTL below ${peer.minimumTtl} are dropped`]),
  ];
  return `${printPlace(peer, router)} does not answer${hints.length === 0 ? '' : ` (${hints.join('; ')})`}`;
}

/** `192.0.2.1 port 179`, `fe80::1%eth0 port 179`. */
function printPlace({ port }: TransportPeer, { address, interface: name }: RouterPlace): string {
  return `${address}${name === null ? '' : `%${name}`} port ${port}`;
}
