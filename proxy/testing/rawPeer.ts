import { connect, type Socket } from 'node:net';

/** A message as it came over the wire, cut by its own framing. Octets are latin1 characters. */
export interface RawMessage {
  readonly startLine: string;
  /** name, value pairs in order, names as received. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  /** Everything, framing included. */
  readonly raw: string;
  /** Values of all lines of that name (lower case), joined by `, `; undefined when there is none. */
  get(lowerName: string): string | undefined;
}

/** A wait that takes longer has failed; it only bounds how long a broken test hangs. */
const PATIENCE_MS = 5_000;

/** One end of a TCP connection in a test's hands: sends exactly what it is told, remembers all it receives. */
export class RawPeer {
  readonly socket: Socket;
  /** Everything received, latin1; messages taken by `message` included. */
  received = '';
  ended = false;
  closed = false;
  /** The connection broke instead of ending. */
  wasReset = false;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.#changed();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#changed();
    });
    socket.on('error', () => {
      this.wasReset = true;
    });
    socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  send(text: string | Buffer): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
  }

  /** Ends the sending half. */
  end(text = ''): void {
    this.socket.end(text, 'latin1');
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Resolves once what was received holds `text`. */
  async until(text: string): Promise<void> {
    await this.#wait(() => this.received.includes(text), JSON.stringify(text));
  }

  /** Resolves once the peer has ended its half, or the connection is gone. */
  async untilEnded(): Promise<void> {
    await this.#wait(() => this.ended || this.closed, 'the end');
  }

  async untilClosed(): Promise<void> {
    await this.#wait(() => this.closed, 'the close');
  }

  /** Received and not yet taken by `message`. */
  get rest(): string {
    return this.received.slice(this.#taken);
  }

  /** Takes the next message; `bodiless`: it answers HEAD, so that no body follows whatever the head says. */
  async message(bodiless = false): Promise<RawMessage> {
    const start = this.#taken;
    await this.#wait(() => this.received.includes('\r\n\r\n', start), 'a head');
    const head = this.received.slice(start, this.received.indexOf('\r\n\r\n', start));
    this.#taken += head.length + 4;
    const [startLine = '', ...lines] = head.split('\r\n');
    const fields = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
    const get = (lowerName: string): string | undefined => {
      const values = fields.filter(([name]) => name.toLowerCase() === lowerName).map(([, value]) => value);
      return values.length === 0 ? undefined : values.join(', ');
    };
    const body = bodiless || /^HTTP\/1\.1 (1\d\d|204|304) /.test(startLine) ? '' : await this.#body(startLine, get);
    return { startLine, fields, body, raw: this.received.slice(start, this.#taken), get };
  }

  async #body(startLine: string, get: RawMessage['get']): Promise<string> {
    if (get('transfer-encoding') !== undefined) return this.#chunks();
    const length = get('content-length');
    if (length !== undefined) return this.#take(Number(length));
    if (!startLine.startsWith('HTTP/')) return '';
    await this.untilEnded();
    return this.#take(this.rest.length);
  }

  async #chunks(): Promise<string> {
    let body = '';
    for (;;) {
      const size = Number.parseInt(await this.#line(), 16);
      if (size === 0) break;
      body += await this.#take(size);
      await this.#line();
    }
    while ((await this.#line()) !== '');
    return body;
  }

  async #line(): Promise<string> {
    await this.#wait(() => this.received.includes('\r\n', this.#taken), 'a line');
    const line = this.received.slice(this.#taken, this.received.indexOf('\r\n', this.#taken));
    this.#taken += line.length + 2;
    return line;
  }

  async #take(length: number): Promise<string> {
    await this.#wait(() => this.received.length - this.#taken >= length, `${length} octets of body`);
    const part = this.received.slice(this.#taken, this.#taken + length);
    this.#taken += length;
    return part;
  }

  async #wait(isMet: () => boolean, what: string): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#changed();
    }, PATIENCE_MS);
    try {
      while (!isMet()) {
        if (this.closed || late) throw new Error(`${late ? 'no' : 'closed before'} ${what}; received ${JSON.stringify(this.rest.slice(0, 2000))}`);
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#waiting.add(resolve);
        await promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

/** Connects to a port of loopback; the returned peer can half-close. */
export async function connectRaw(port: number): Promise<RawPeer> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  socket.once('connect', resolve);
  socket.once('error', reject);
  await promise;
  return new RawPeer(socket);
}
