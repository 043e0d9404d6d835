import { WireReader } from './wireReader.ts';

/** What the first message of a TLS connection asks for, before anything is answered. */
export interface ClientHello {
  /** host_name of server_name as sent (RFC 6066 section 3), latin1, unchecked; null: the client names no server. */
  readonly serverName: string | null;
  /** Protocol ids of application_layer_protocol_negotiation (RFC 7301), latin1; empty: none offered. */
  readonly alpnProtocols: readonly string[];
}

/** `invalid` is final, and so is `hello`; `reason` names the rule that is broken, never octets received. */
export type ClientHelloResult =
  | { readonly type: 'incomplete' }
  | { readonly type: 'invalid'; readonly reason: string }
  | { readonly type: 'hello'; readonly hello: ClientHello };

/** RFC 8446 section 5.1: content type, legacy version, length. */
const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_RECORD = 22;
const MAX_RECORD_BYTES = 16_384;
/** RFC 8446 section 4: message type, 24 bits of length. */
const MESSAGE_HEADER_BYTES = 4;
const CLIENT_HELLO = 1;
/** Ours. Post-quantum key shares make hellos of 2 KiB, session tickets and ECH some more. */
const MAX_HELLO_BYTES = 32_768;
/** Ours: all records of the hello with what came behind them in the same read. RFC 8446 allows records of one octet. */
const MAX_OCTETS = 131_072;

const INCOMPLETE: ClientHelloResult = { type: 'incomplete' };

/**
 * Reads the ClientHello at the start of a TLS connection (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2), split over
 * reads and records in any way. Keeps what it is given, for whoever does the handshake. Holds at most 32 KiB of message
 * and 128 KiB of octets; allocates for a message only once its length is known and allowed.
 */
export class ClientHelloReader {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  readonly #recordHeader = Buffer.alloc(RECORD_HEADER_BYTES);
  #recordHeaderBytes = 0;
  #recordLeft = 0;
  readonly #messageHeader = Buffer.alloc(MESSAGE_HEADER_BYTES);
  #messageHeaderBytes = 0;
  #message: Buffer | null = null;
  #messageBytes = 0;
  #result: ClientHelloResult = INCOMPLETE;

  /** Takes the next octets of the connection. Once the result is final, further ones are only kept. */
  push(chunk: Buffer): ClientHelloResult {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    let at = 0;
    while (this.#result.type === 'incomplete' && at < chunk.length) {
      at += this.#recordLeft === 0 ? this.#takeRecordHeader(chunk[at] ?? 0) : this.#takeFragment(chunk.subarray(at));
    }
    if (this.#result.type === 'incomplete' && this.#bytes > MAX_OCTETS) this.#refuse(`the ClientHello takes more than ${MAX_OCTETS} octets of records`);
    return this.#result;
  }

  /** Everything pushed so far. */
  octets(): Buffer {
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.#bytes);
  }

  #takeRecordHeader(octet: number): 1 {
    const index = this.#recordHeaderBytes;
    this.#recordHeader[index] = octet;
    this.#recordHeaderBytes += 1;
    if (index === 0 && octet !== HANDSHAKE_RECORD) this.#refuse('the first record is no handshake record');
    if (index === 1 && octet !== 3) this.#refuse('the record is of no TLS version');
    if (this.#recordHeaderBytes < RECORD_HEADER_BYTES) return 1;
    this.#recordHeaderBytes = 0;
    this.#recordLeft = this.#recordHeader.readUInt16BE(3);
    // RFC 8446 section 5.1: no empty handshake records.
    if (this.#recordLeft === 0 || this.#recordLeft > MAX_RECORD_BYTES) this.#refuse('the record is empty or longer than 16384 octets');
    return 1;
  }

  /** Answers how many octets belonged to the current record and the message. */
  #takeFragment(rest: Buffer): number {
    const fragment = rest.subarray(0, this.#recordLeft);
    const taken = this.#message === null ? this.#takeMessageHeader(fragment[0] ?? 0) : this.#takeMessage(this.#message, fragment);
    this.#recordLeft -= taken;
    return taken;
  }

  #takeMessageHeader(octet: number): 1 {
    this.#messageHeader[this.#messageHeaderBytes] = octet;
    this.#messageHeaderBytes += 1;
    if (this.#messageHeaderBytes === 1 && octet !== CLIENT_HELLO) this.#refuse('the first message is no ClientHello');
    if (this.#messageHeaderBytes < MESSAGE_HEADER_BYTES) return 1;
    const length = this.#messageHeader.readUIntBE(1, 3);
    if (length === 0 || length > MAX_HELLO_BYTES) this.#refuse(`the ClientHello is empty or longer than ${MAX_HELLO_BYTES} octets`);
    else this.#message = Buffer.allocUnsafe(length);
    return 1;
  }

  #takeMessage(message: Buffer, fragment: Buffer): number {
    const taken = fragment.copy(message, this.#messageBytes);
    this.#messageBytes += taken;
    if (this.#messageBytes === message.length) this.#result = parseClientHello(message);
    return taken;
  }

  #refuse(reason: string): void {
    this.#result = { type: 'invalid', reason };
  }
}

/** RFC 8446 section 4.1.2: everything behind the message header. */
function parseClientHello(message: Buffer): ClientHelloResult {
  const reader = new WireReader(message);
  const major = reader.uint(2) >> 8;
  reader.octets(32);
  const sessionId = reader.vector(1);
  const cipherSuites = reader.vector(2);
  const compressionMethods = reader.vector(1);
  if (reader.failed || major !== 3) return invalid('the ClientHello is cut short or of no TLS version');
  if (sessionId.length > 32 || compressionMethods.length === 0) return invalid('session id or compression methods are of no allowed length');
  if (cipherSuites.length === 0 || cipherSuites.length % 2 !== 0) return invalid('the cipher suites are of no allowed length');
  // TLS 1.2 clients may end here (RFC 5246 section 7.4.1.2).
  if (reader.ended) return { type: 'hello', hello: { serverName: null, alpnProtocols: [] } };
  const extensions = reader.vector(2);
  if (!reader.ended) return invalid('the extensions do not end where the ClientHello ends');
  return parseExtensions(extensions);
}

const SERVER_NAME = 0;
const ALPN = 16;

function parseExtensions(octets: Buffer): ClientHelloResult {
  const reader = new WireReader(octets);
  const seen = new Set<number>();
  let serverName: string | null = null;
  let alpnProtocols: readonly string[] = [];
  while (!reader.ended) {
    const type = reader.uint(2);
    const data = reader.vector(2);
    if (reader.failed) return invalid('an extension is cut short');
    // RFC 8446 section 4.2. Two names would let two readers choose differently.
    if (seen.has(type)) return invalid('an extension stands there twice');
    seen.add(type);
    if (type === SERVER_NAME) {
      serverName = parseServerName(data);
      if (serverName === null) return invalid('server_name does not hold exactly one host name');
    } else if (type === ALPN) {
      const protocols = parseAlpn(data);
      if (protocols === null) return invalid('the list of application protocols is malformed');
      alpnProtocols = protocols;
    }
  }
  return { type: 'hello', hello: { serverName, alpnProtocols } };
}

/** RFC 6066 section 3: a list with one host_name; other types were never defined, and OpenSSL takes none either. */
function parseServerName(data: Buffer): string | null {
  const extension = new WireReader(data);
  const list = new WireReader(extension.vector(2));
  const nameType = list.uint(1);
  const name = list.vector(2);
  if (!extension.ended || !list.ended || nameType !== 0 || name.length === 0) return null;
  return name.toString('latin1');
}

/** RFC 7301 section 3.1: a non-empty list of non-empty names. */
function parseAlpn(data: Buffer): readonly string[] | null {
  const extension = new WireReader(data);
  const list = new WireReader(extension.vector(2));
  const protocols: string[] = [];
  if (!extension.ended) return null;
  while (!list.ended) {
    const protocol = list.vector(1);
    if (list.failed || protocol.length === 0) return null;
    protocols.push(protocol.toString('latin1'));
  }
  return protocols.length === 0 ? null : protocols;
}

function invalid(reason: string): ClientHelloResult {
  return { type: 'invalid', reason };
}
