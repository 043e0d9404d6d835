import { EventEmitter, once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { encodeMessage } from '../../codec/codec.ts';
import { createMessageFramer } from '../../codec/framer.ts';
import { PLAIN_CODEC, type Capability, type CodecOptions, type NotificationMessage } from '../../codec/message.ts';

/** How a router behaves. */
export interface TestRouterOptions {
  readonly asn: number;
  readonly address: string;
  /** Beside IPv4 unicast and its AS number. */
  readonly capabilities?: readonly Capability[];
  /** Default 90. */
  readonly holdTimeS?: number;
}

/** A path as the router has been told it. */
export interface ToldRoute {
  readonly communities: readonly number[];
}

/** A BGP speaker of a few lines, for IPv4, that believes everything: it listens on a port of the kernel's choice and ends with the test. */
export interface TestRouter {
  readonly port: number;
  /** By prefix. */
  readonly routes: ReadonlyMap<string, ToldRoute>;
  /** All that it was told to end sessions with. */
  readonly notifications: readonly NotificationMessage[];
  /** How often it was Established. */
  readonly sessions: () => number;
  /** Resolves as soon as it is so, looked at after each message and end of a connection. */
  until(holds: () => boolean): Promise<void>;
  /** Octets to whoever is connected, as they are. */
  write(octets: Uint8Array): boolean;
  send(message: Parameters<typeof encodeMessage>[0]): void;
  /** Reads nothing any more. */
  pause(): void;
  isConnected(): boolean;
}

const CODEC: CodecOptions = { ...PLAIN_CODEC, fourOctetAsn: true };
const COMMUNITIES = 8;
const UPDATE = 2;

export async function startTestRouter(t: TestContext, options: TestRouterOptions): Promise<TestRouter> {
  const router = new Router(options);
  await router.listen();
  t.after(() => router.end());
  return router;
}

class Router implements TestRouter {
  readonly routes = new Map<string, ToldRoute>();
  readonly notifications: NotificationMessage[] = [];
  readonly #options: TestRouterOptions;
  readonly #server: Server = createServer((socket) => this.#connected(socket));
  readonly #news = new EventEmitter();
  #socket: Socket | null = null;
  #sessions = 0;

  constructor(options: TestRouterOptions) {
    this.#options = options;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' ? address?.port ?? 0 : 0;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, this.#options.address);
    await once(this.#server, 'listening');
  }

  end(): void {
    this.#server.close();
    this.#socket?.destroy();
  }

  sessions = (): number => this.#sessions;

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.#news, 'news');
  }

  write(octets: Uint8Array): boolean {
    return this.#socket?.write(octets) ?? false;
  }

  send(message: Parameters<typeof encodeMessage>[0]): void {
    this.write(encodeMessage(message, CODEC));
  }

  pause(): void {
    this.#socket?.pause();
  }

  isConnected(): boolean {
    return this.#socket !== null;
  }

  #connected(socket: Socket): void {
    const { asn, address, capabilities = [], holdTimeS = 90 } = this.#options;
    this.#socket = socket;
    this.routes.clear();
    const framer = createMessageFramer(PLAIN_CODEC);
    socket.on('error', () => {});
    let rest = Buffer.alloc(0);
    socket.on('data', (octets: Buffer) => {
      rest = Buffer.concat([rest, octets]);
      for (let length = wholeMessage(rest); length > 0; length = wholeMessage(rest)) {
        this.#readUpdate(rest.subarray(0, length));
        rest = rest.subarray(length);
      }
      for (const decoded of framer.messages(octets)) {
        if (!decoded.ok) throw new Error(decoded.fault.text);
        this.#received(decoded.message.type, decoded.message.type === 'notification' ? decoded.message : null);
        if (decoded.message.type === 'open') framer.setOptions(CODEC);
      }
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null;
      this.#news.emit('news');
    });
    this.send({
      type: 'open', asn, holdTimeS, routerId: address,
      capabilities: [{ type: 'multiprotocol', family: 'ipv4' }, { type: 'fourOctetAsn', asn }, ...capabilities],
    });
  }

  #received(type: string, notification: NotificationMessage | null): void {
    if (type === 'open') this.send({ type: 'keepalive' });
    if (type === 'open') this.#sessions += 1;
    if (notification !== null) this.notifications.push(notification);
    this.#news.emit('news');
  }

  /** Routes in the old form (RFC 4271 section 4.3), which is all that IPv4 needs. */
  #readUpdate(message: Buffer): void {
    if (message[18] !== UPDATE) return;
    const withdrawnEnd = 21 + message.readUInt16BE(19);
    const attributesEnd = withdrawnEnd + 2 + message.readUInt16BE(withdrawnEnd);
    for (const prefix of prefixes(message.subarray(21, withdrawnEnd))) this.routes.delete(prefix);
    const communities = communitiesIn(message.subarray(withdrawnEnd + 2, attributesEnd));
    for (const prefix of prefixes(message.subarray(attributesEnd))) this.routes.set(prefix, { communities });
  }
}

/** Octets of the first message; 0: it is not whole yet. */
function wholeMessage(octets: Buffer): number {
  const length = octets.length < 19 ? 0 : octets.readUInt16BE(16);
  return length <= octets.length ? length : 0;
}

function* prefixes(octets: Buffer): Generator<string> {
  for (let at = 0; at < octets.length;) {
    const bits = octets[at] ?? 0;
    const length = Math.ceil(bits / 8);
    const address = Buffer.alloc(4);
    octets.copy(address, 0, at + 1, at + 1 + length);
    yield `${address.join('.')}/${bits}`;
    at += 1 + length;
  }
}

function communitiesIn(attributes: Buffer): readonly number[] {
  for (let at = 0; at < attributes.length;) {
    const isLong = ((attributes[at] ?? 0) & 0x10) !== 0;
    const length = isLong ? attributes.readUInt16BE(at + 2) : (attributes[at + 2] ?? 0);
    const start = at + (isLong ? 4 : 3);
    if (attributes[at + 1] === COMMUNITIES) return Array.from({ length: length / 4 }, (_, index) => attributes.readUInt32BE(start + 4 * index));
    at = start + length;
  }
  return [];
}
