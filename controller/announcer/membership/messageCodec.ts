import {
  isMemberName,
  MAX_DATAGRAM_OCTETS,
  MAX_PARTS,
  MEMBER_STATUSES,
  PART_OCTETS,
  SMALL_STATE_OCTETS,
  type MemberRecord,
  type Message,
  type MessageBody,
} from './message.ts';
import { OctetReader, OctetWriter } from './octets.ts';

// Payload, big endian:
//   type 1 | sender: record without state | body | count of records 1 | records, each followed by its state
// Record: flags 1 (status in bits 0 and 1, bit 2: a state follows) | name length 1, name | boot 8 | incarnation 6 | version 4
const TYPES = ['ping', 'pingRequest', 'ack', 'news', 'stateRequest', 'statePart'] as const satisfies readonly MessageBody['type'][];
const STATUS_BITS = 0b011;
const STATE_BIT = 0b100;
const BOOT_OCTETS = 8;
const RECORD_OCTETS = 1 + 1 + BOOT_OCTETS + 6 + 4;
const MAX_RECORDS = 255;

/** The octets of a message. Throws RangeError for more than fits a datagram: see `messageOctets`. */
export function encodeMessage({ sender, body, news }: Message): Buffer {
  const writer = new OctetWriter(MAX_DATAGRAM_OCTETS);
  writer.integer(TYPES.indexOf(body.type), 1);
  writeRecord(writer, { ...sender, state: null });
  writeBody(writer, body);
  writer.integer(news.length, 1);
  for (const record of news) writeRecord(writer, record);
  return writer.written();
}

/** How long a message without news is, octets. */
export function messageOctets(sender: MemberRecord, body: MessageBody): number {
  return 1 + RECORD_OCTETS + sender.node.length + bodyOctets(body) + 1;
}

/** What a record adds to a message, octets. */
export function recordOctets({ node, state }: MemberRecord): number {
  return RECORD_OCTETS + node.length + (state === null ? 0 : 2 + state.length);
}

/** The message in an opened datagram, which may say anything; null when it is none. Octets of states and parts are copies. */
export function decodeMessage(payload: Buffer): Message | null {
  const reader = new OctetReader(payload);
  const type = TYPES[reader.integer(1)];
  const sender = readRecord(reader);
  if (type === undefined || sender === null || sender.state !== null) return null;
  if (sender.status !== 'alive' && sender.status !== 'left') return null;
  const body = readBody(reader, type);
  const news = body === null ? null : readNews(reader);
  if (body === null || news === null || reader.failed || reader.left > 0) return null;
  return { sender, body, news };
}

function readNews(reader: OctetReader): MemberRecord[] | null {
  const count = reader.integer(1);
  if (count * (RECORD_OCTETS + 1) > reader.left || count > MAX_RECORDS) return null;
  const news: MemberRecord[] = [];
  for (let index = 0; index < count; index += 1) {
    const record = readRecord(reader);
    if (record === null) return null;
    news.push(record);
  }
  return news;
}

function readRecord(reader: OctetReader): MemberRecord | null {
  const flags = reader.integer(1);
  const status = MEMBER_STATUSES[flags & STATUS_BITS];
  const node = readName(reader);
  const boot = reader.take(BOOT_OCTETS).toString('hex');
  const incarnation = reader.integer(6);
  const stateVersion = reader.integer(4);
  const state = (flags & STATE_BIT) === 0 ? null : readOctets(reader, SMALL_STATE_OCTETS);
  if (reader.failed || flags > (STATUS_BITS | STATE_BIT) || status === undefined || !isMemberName(node)) return null;
  return { node, status, boot, incarnation, stateVersion, state };
}

function writeRecord(writer: OctetWriter, record: MemberRecord): void {
  writer.integer(MEMBER_STATUSES.indexOf(record.status) | (record.state === null ? 0 : STATE_BIT), 1);
  writeName(writer, record.node);
  writer.octets(Buffer.from(record.boot, 'hex'));
  writer.integer(record.incarnation, 6);
  writer.integer(record.stateVersion, 4);
  if (record.state !== null) writeOctets(writer, record.state);
}

function readBody(reader: OctetReader, type: MessageBody['type']): MessageBody | null {
  switch (type) {
    case 'ping':
    case 'pingRequest':
    case 'ack': {
      const sequence = reader.integer(4);
      const target = readName(reader);
      return isMemberName(target) ? { type, sequence, target } : null;
    }
    case 'news':
      return { type };
    case 'stateRequest':
      return { type, boot: reader.take(BOOT_OCTETS).toString('hex'), version: reader.integer(4), missing: reader.integer(4) };
    case 'statePart': {
      const [version, index, count] = [reader.integer(4), reader.integer(1), reader.integer(1)];
      const octets = readOctets(reader, PART_OCTETS);
      return octets !== null && index < count && count <= MAX_PARTS ? { type, version, index, count, octets } : null;
    }
  }
}

function writeBody(writer: OctetWriter, body: MessageBody): void {
  switch (body.type) {
    case 'ping':
    case 'pingRequest':
    case 'ack':
      writer.integer(body.sequence, 4);
      writeName(writer, body.target);
      return;
    case 'news':
      return;
    case 'stateRequest':
      writer.octets(Buffer.from(body.boot, 'hex'));
      writer.integer(body.version, 4);
      writer.integer(body.missing, 4);
      return;
    case 'statePart':
      writer.integer(body.version, 4);
      writer.integer(body.index, 1);
      writer.integer(body.count, 1);
      writeOctets(writer, body.octets);
      return;
  }
}

function bodyOctets(body: MessageBody): number {
  switch (body.type) {
    case 'ping':
    case 'pingRequest':
    case 'ack':
      return 4 + 1 + body.target.length;
    case 'news':
      return 0;
    case 'stateRequest':
      return BOOT_OCTETS + 4 + 4;
    case 'statePart':
      return 4 + 1 + 1 + 2 + body.octets.length;
  }
}

function readName(reader: OctetReader): string {
  return reader.take(reader.integer(1)).toString('latin1');
}

function writeName(writer: OctetWriter, name: string): void {
  writer.integer(name.length, 1);
  writer.octets(Buffer.from(name, 'latin1'));
}

/** Null for more than `most`. */
function readOctets(reader: OctetReader, most: number): Uint8Array | null {
  const length = reader.integer(2);
  return length > most ? null : Uint8Array.from(reader.take(length));
}

function writeOctets(writer: OctetWriter, octets: Uint8Array): void {
  writer.integer(octets.length, 2);
  writer.octets(octets);
}
