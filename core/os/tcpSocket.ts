import { libc } from './libc.ts';
import { AF_INET, AF_INET6, encodeSocketAddress, type SocketAddress } from './socketAddress.ts';
import { SystemError } from './systemError.ts';

/** An IP literal without zone, and for a link-local one the index of the interface that it is on (0: none). */
export interface TcpAddress {
  readonly address: string;
  readonly scopeId: number;
}

/** What a TCP socket is made with: all of it is set before anything is sent. */
export interface TcpSocketRequest {
  readonly family: 'ipv4' | 'ipv6';
  /** For messages. */
  readonly subject: string;
  /** Interface that it sends and receives through, a VRF's device included (SO_BINDTODEVICE); null: as the kernel routes. */
  readonly device: string | null;
  /** Must be an address of this machine; null: the kernel chooses. */
  readonly bind: (TcpAddress & { readonly port: number }) | null;
  readonly hopLimits: HopLimits;
  readonly keys: readonly TcpKey[];
}

/** Of packets sent and received: TTL of IPv4, hop limit of IPv6. */
export interface HopLimits {
  /** 1 to 255. */
  readonly sent: number;
  /** Packets with less are dropped (RFC 5082); null: none are. 1 to 255. */
  readonly received: number | null;
}

/** A key by which segments from and to `peer` are signed; without a signature, or with a wrong one, they are dropped. */
export type TcpKey =
  /** TCP MD5 Signature (RFC 2385). 1 to 80 octets. */
  | { readonly type: 'md5'; readonly peer: TcpAddress; readonly key: Buffer }
  /** TCP Authentication Option (RFC 5925). 1 to 80 octets; identifiers 0 to 255. */
  | { readonly type: 'ao'; readonly peer: TcpAddress; readonly key: Buffer; readonly algorithm: AoAlgorithm; readonly sendId: number; readonly receiveId: number };

/** RFC 5926, and HMAC-SHA-256, all with codes of 96 bits. */
export type AoAlgorithm = 'hmac-sha1-96' | 'aes-128-cmac-96' | 'hmac-sha256';

// Linux values, alike on x64 and arm64: asm-generic/socket.h, linux/in.h, linux/in6.h, linux/tcp.h.
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_BINDTODEVICE = 25;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const IP_MINTTL = 21;
const IPPROTO_TCP = 6;
const TCP_MD5SIG = 14;
const TCP_AO_ADD_KEY = 38;
const TCP_AO_DEL_KEY = 39;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_TCLASS = 67;
const IPV6_MINHOPCOUNT = 73;

/** IFNAMSIZ. */
const MAX_INTERFACE_NAME_BYTES = 15;
/** TCP_MD5SIG_MAXKEYLEN and TCP_AO_MAXKEYLEN. */
const MAX_KEY_BYTES = 80;
/** DSCP CS6, network control (RFC 4594 section 3.2): routers drop it last. */
const NETWORK_CONTROL = 0xc0;
/** In sockaddr_in6. */
const SCOPE_ID_OFFSET = 24;
/** Octets of struct sockaddr_storage. */
const STORAGE_BYTES = 128;
/** Octets of a code of 96 bits (RFC 5926 section 2). */
const AO_CODE_BYTES = 12;
/** Crypto API names; that of CMAC makes the kernel derive a key of 16 octets first, as RFC 5926 section 3.1.1.2 says. */
const AO_ALGORITHMS: Readonly<Record<AoAlgorithm, string>> = {
  'hmac-sha1-96': 'hmac(sha1)', 'aes-128-cmac-96': 'cmac(aes128)', 'hmac-sha256': 'hmac(sha256)',
};

/**
 * Opens a TCP socket that is neither connected nor listens. Whoever gets the descriptor owns it. Throws SystemError; then nothing is
 * left open. An option that the kernel does not have is `errnoName` ENOPROTOOPT (no TCP-AO, no TCP MD5).
 */
export function openTcpSocket(request: TcpSocketRequest): number {
  const c = libc();
  const descriptor = c.openSocket(request.family === 'ipv4' ? AF_INET : AF_INET6, 'stream', request.subject);
  try {
    configure(descriptor, request);
    return descriptor;
  } catch (error) {
    c.close(descriptor);
    throw error;
  }
}

function configure(descriptor: number, { family, subject, device, bind, hopLimits, keys }: TcpSocketRequest): void {
  const c = libc();
  c.setIntOption(descriptor, { level: SOL_SOCKET, name: SO_REUSEADDR, value: 1 });
  if (family === 'ipv6') c.setIntOption(descriptor, { level: IPPROTO_IPV6, name: IPV6_V6ONLY, value: 1 });
  c.setIntOption(descriptor, family === 'ipv4'
    ? { level: IPPROTO_IP, name: IP_TOS, value: NETWORK_CONTROL }
    : { level: IPPROTO_IPV6, name: IPV6_TCLASS, value: NETWORK_CONTROL });
  if (device !== null) bindToDevice(descriptor, device);
  setHopLimits(descriptor, family, hopLimits);
  for (const key of keys) addTcpKey(descriptor, key);
  if (bind !== null) c.bind(descriptor, encodeAddress(bind, bind.port).bytes, subject);
}

function bindToDevice(descriptor: number, device: string): void {
  const name = Buffer.from(`${device}\0`);
  // What is longer, or ends early, would be the name of another one.
  if (name.length > MAX_INTERFACE_NAME_BYTES + 1 || device === '' || device.includes('\0')) throw noSuchDevice(device);
  try {
    libc().setOption(descriptor, { level: SOL_SOCKET, name: SO_BINDTODEVICE, value: name });
  } catch (error) {
    throw error instanceof SystemError && error.errnoName === 'ENODEV' ? noSuchDevice(device) : error;
  }
}

function noSuchDevice(device: string): SystemError {
  return new SystemError({ syscall: 'use', errno: ENODEV, subject: `interface ${JSON.stringify(device)}` });
}

const ENODEV = 19;

/** Changes the hop limits of a socket, connected or not. Throws SystemError. */
export function setHopLimits(descriptor: number, family: TcpSocketRequest['family'], { sent, received }: HopLimits): void {
  const c = libc();
  const minimum = received ?? 0;
  if (family === 'ipv4') {
    c.setIntOption(descriptor, { level: IPPROTO_IP, name: IP_TTL, value: sent });
    c.setIntOption(descriptor, { level: IPPROTO_IP, name: IP_MINTTL, value: minimum });
    return;
  }
  c.setIntOption(descriptor, { level: IPPROTO_IPV6, name: IPV6_UNICAST_HOPS, value: sent });
  c.setIntOption(descriptor, { level: IPPROTO_IPV6, name: IPV6_MINHOPCOUNT, value: minimum });
}

/**
 * Adds a key, before the connection begins or to a socket that listens. An MD5 key takes the place of an earlier one of the same peer; for
 * TCP-AO that must be removed first. Connections that are there already keep theirs. Throws SystemError, RangeError for a key of no or too
 * many octets.
 */
export function addTcpKey(descriptor: number, key: TcpKey): void {
  if (key.key.length === 0 || key.key.length > MAX_KEY_BYTES) {
    throw new RangeError(`a key of TCP must have 1 to ${MAX_KEY_BYTES} octets (got ${key.key.length})`);
  }
  const option = key.type === 'md5'
    ? { level: IPPROTO_TCP, name: TCP_MD5SIG, value: encodeMd5Key(key.peer, key.key) }
    : { level: IPPROTO_TCP, name: TCP_AO_ADD_KEY, value: encodeAoKey(key) };
  libc().setOption(descriptor, option);
}

/** Removes a key from a socket that listens. Throws SystemError, ENOENT when it has none. */
export function removeTcpKey(descriptor: number, key: TcpKey): void {
  const option = key.type === 'md5'
    ? { level: IPPROTO_TCP, name: TCP_MD5SIG, value: encodeMd5Key(key.peer, Buffer.alloc(0)) }
    : { level: IPPROTO_TCP, name: TCP_AO_DEL_KEY, value: encodeAoRemoval(key) };
  libc().setOption(descriptor, option);
}

/**
 * struct tcp_md5sig: the peer's address, flags, prefix length, key length, interface, key. No interface is named: the kernel takes
 * devices of VRFs only, and a socket that is bound to one has keys of its own anyway.
 */
function encodeMd5Key(peer: TcpAddress, key: Buffer): Buffer {
  const value = Buffer.alloc(STORAGE_BYTES + 8 + MAX_KEY_BYTES);
  encodeAddress(peer, 0).bytes.copy(value);
  value.writeUInt16LE(key.length, STORAGE_BYTES + 2);
  key.copy(value, STORAGE_BYTES + 8);
  return value;
}

/** struct tcp_ao_add: address, algorithm (64), interface, flags, padding, prefix, identifiers, length of codes, key flags, key. */
function encodeAoKey({ peer, key, algorithm, sendId, receiveId }: Extract<TcpKey, { type: 'ao' }>): Buffer {
  const value = Buffer.alloc(STORAGE_BYTES + 80 + MAX_KEY_BYTES);
  const { bytes, family } = encodeAddress(peer, 0);
  bytes.copy(value);
  value.write(AO_ALGORITHMS[algorithm], STORAGE_BYTES, 'latin1');
  value.set([family === AF_INET ? 32 : 128, sendId, receiveId, AO_CODE_BYTES, 0, key.length], STORAGE_BYTES + 74);
  key.copy(value, STORAGE_BYTES + 80);
  return value;
}

/** struct tcp_ao_del: address, interface, flags, padding, prefix, identifiers, current key, next key, key flags; aligned to 8. */
function encodeAoRemoval({ peer, sendId, receiveId }: Extract<TcpKey, { type: 'ao' }>): Buffer {
  const value = Buffer.alloc(STORAGE_BYTES + 16);
  const { bytes, family } = encodeAddress(peer, 0);
  bytes.copy(value);
  value.set([family === AF_INET ? 32 : 128, sendId, receiveId], STORAGE_BYTES + 10);
  return value;
}

function encodeAddress({ address, scopeId }: TcpAddress, port: number): SocketAddress {
  const encoded = encodeSocketAddress(address, port);
  if (encoded.family === AF_INET6) encoded.bytes.writeUInt32LE(scopeId, SCOPE_ID_OFFSET);
  return encoded;
}
