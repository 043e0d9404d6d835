import { octetsOf } from '../interfaceSockets.ts';

const BROADCAST = 'ffffffffffff';
const STRANGER = '020000000099';

/** An ARP packet from a stranger, broadcast, as RFC 826 has it: written by hand, so that codecs are not judged by themselves. */
export function printArpFrame({ operation, sender, target, senderMac = STRANGER, destinationMac = BROADCAST }: {
  readonly operation: number;
  readonly sender: string;
  readonly target: string;
  readonly senderMac?: string;
  readonly destinationMac?: string;
}): Buffer {
  return Buffer.concat([
    Buffer.from(`${destinationMac}${senderMac}0806`, 'hex'),
    Buffer.from('0001080006040000', 'hex').fill(operation, 7, 8),
    Buffer.from(senderMac, 'hex'), octetsOf(sender),
    Buffer.from('000000000000', 'hex'), octetsOf(target),
  ]);
}

/** An ICMPv6 message with a target (RFC 4861 section 4.3), without a checksum; `options`: hexadecimal. */
export function printNeighbourFrame({ type, target, options = '' }: {
  readonly type: number;
  readonly target: string;
  readonly options?: string;
}): Buffer {
  const payload = Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]), octetsOf(target), Buffer.from(options, 'hex')]);
  const header = Buffer.from('60000000 0000 3a ff'.replaceAll(' ', ''), 'hex');
  header.writeUInt16BE(payload.length, 4);
  return Buffer.concat([
    Buffer.from(`3333ff000010${STRANGER}86dd`, 'hex'), header, octetsOf('fe80::99'), octetsOf('ff02::1:ff00:10'), payload,
  ]);
}
