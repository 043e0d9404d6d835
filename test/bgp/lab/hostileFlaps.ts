import { connect, type Socket } from 'node:net';
import { HOSTILE_ASN, keepalive, message, open, TYPE, update, GOOD_PATH } from './octets.ts';

/** Ways to lose a session that is Established. */
export const FLAP_KINDS = ['closed', 'reset', 'cease', 'malformed', 'silent'] as const;
export type FlapKind = (typeof FLAP_KINDS)[number];

/** How the log tells of each, from the side that is left. */
export const FLAP_REASONS: Readonly<Record<FlapKind, RegExp>> = {
  closed: /^the connection is lost: the peer has closed the connection$/,
  reset: /^the connection is lost: \S+ port 179 has reset the connection$/,
  cease: /^the session was reset on the peer \(Cease\/Administrative Reset: "flap"\)$/,
  malformed: /^a prefix in the NLRI is malformed \(sent: UPDATE Message Error\/Invalid Network Field\)$/,
  silent: /^nothing was heard of the peer for 3 s, the hold time, right after .*\(sent: Hold Timer Expired\)$/,
};

/** Where a peer that flaps is, and what it flaps at. */
export interface FlapPlace {
  /** IPv4. */
  readonly address: string;
  readonly remote: string;
  readonly port: number;
}

/** One connection of it. */
export interface FlapConnection {
  readonly socket: Socket;
  /** Resolves with true when the session is Established, as routes are here that it was given; with false when the connection ends before. */
  readonly established: Promise<boolean>;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
}

const HEADER = 19;
const CEASE_RESET = message(TYPE.notification, Buffer.concat([Buffer.from([6, 4, 4]), Buffer.from('flap')]));
const MALFORMED = update(GOOD_PATH, Buffer.from([33, 1, 2, 3, 4, 5]));

/** Connects and speaks until it is Established; hold time 3 s where it is to be silent afterwards. */
export function speak({ address, remote, port }: FlapPlace, kind: FlapKind | 'stays'): FlapConnection {
  const socket = connect({ host: remote, port, localAddress: address });
  const established = Promise.withResolvers<boolean>();
  const gone = new Promise<void>((resolve) => {
    socket.on('close', () => {
      established.resolve(false);
      resolve();
    });
  });
  const routerId = address.split('.').map(Number);
  let heard = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (octets: Buffer) => {
    heard = Buffer.concat([heard, octets]);
    while (heard.length >= HEADER && heard.length >= heard.readUInt16BE(16)) {
      const type = heard[18];
      if (type === TYPE.open) socket.write(Buffer.concat([open({ asn: HOSTILE_ASN, routerId, holdTimeS: kind === 'silent' ? 3 : 90 }), keepalive]));
      if (type === TYPE.update) established.resolve(true);
      heard = heard.subarray(heard.readUInt16BE(16));
    }
  });
  return { socket, established: established.promise, gone };
}

/** Ends a session, or has the other side end it. */
export function lose(socket: Socket, kind: FlapKind): void {
  switch (kind) {
    case 'closed': return void socket.end();
    case 'reset': return void socket.resetAndDestroy();
    case 'cease': return void socket.end(CEASE_RESET);
    case 'malformed': return void socket.write(MALFORMED);
    case 'silent': return;
  }
}
