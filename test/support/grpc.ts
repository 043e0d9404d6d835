import { once } from 'node:events';
import type { TestContext } from 'node:test';
import {
  credentials, makeGenericClientConstructor, Metadata, Server, ServerCredentials, status,
  type ChannelCredentials, type Client, type ClientDuplexStream, type handleBidiStreamingCall, type handleClientStreamingCall, type handleServerStreamingCall, type handleUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';

const asIs = (value: Buffer): Buffer => value;

function method(path: string, requestStream: boolean, responseStream: boolean) {
  return {
    path, requestStream, responseStream,
    requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs,
  };
}

/** One method of each kind; messages are octets as they are. */
export const ECHO = {
  unary: method('/test.Echo/Unary', false, false),
  gather: method('/test.Echo/Gather', true, false),
  spread: method('/test.Echo/Spread', false, true),
  chat: method('/test.Echo/Chat', true, true),
  never: method('/test.Echo/Never', false, false),
} satisfies ServiceDefinition;

export interface EchoServer {
  readonly port: number;
  /** Calls of `never` that the server saw cancelled. */
  readonly cancelled: () => number;
  /** Deadlines as the server got them, ms since the epoch. */
  readonly deadlines: readonly number[];
  readonly metadata: readonly Metadata[];
}

/** A gRPC server of `@grpc/grpc-js` on loopback that lives until the test ends. */
export async function startEchoServer(t: TestContext, security: ServerCredentials = ServerCredentials.createInsecure()): Promise<EchoServer> {
  const server = new Server({ 'grpc.max_concurrent_streams': 20_000 });
  const deadlines: number[] = [];
  const seen: Metadata[] = [];
  let cancelled = 0;
  const unary: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    seen.push(call.metadata);
    deadlines.push(Number(call.getDeadline()));
    const wanted = call.metadata.get('want-status')[0];
    if (wanted !== undefined) return callback({ code: Number(wanted), details: 'as you wish' });
    const trailers = new Metadata();
    trailers.set('echo-bytes', String(call.request.length));
    callback(null, call.request, trailers);
  };
  const gather: handleClientStreamingCall<Buffer, Buffer> = (call, callback) => {
    const pieces: Buffer[] = [];
    call.on('data', (piece: Buffer) => pieces.push(piece));
    call.on('end', () => callback(null, Buffer.concat(pieces)));
  };
  const spread: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    for (let count = 0; count < Number(call.request.toString()); count += 1) call.write(Buffer.from(String(count)));
    call.end();
  };
  const chat: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on('data', (piece: Buffer) => call.write(piece));
    call.on('end', () => call.end());
  };
  const never: handleUnaryCall<Buffer, Buffer> = (call) => {
    call.on('cancelled', () => (cancelled += 1));
  };
  server.addService(ECHO, { unary, gather, spread, chat, never });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', security, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  t.after(() => server.forceShutdown());
  return { port, cancelled: () => cancelled, deadlines, metadata: seen };
}

/** A client of the echo service on its own connection; it is closed when the test ends. */
export function echoClient(t: TestContext, port: number, options: { readonly host: string; readonly authorityPem: string | null }): EchoClient {
  const security: ChannelCredentials = options.authorityPem === null ? credentials.createInsecure() : credentials.createSsl(Buffer.from(options.authorityPem));
  const EchoConstructor = makeGenericClientConstructor(ECHO, 'test.Echo');
  const client = new EchoConstructor(`127.0.0.1:${port}`, security, {
    'grpc.ssl_target_name_override': options.host,
    'grpc.default_authority': options.host,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
    'grpc.max_receive_message_length': -1,
  });
  t.after(() => client.close());
  return new EchoClient(client);
}

interface UnaryOptions {
  readonly metadata?: Metadata;
  readonly deadlineMs?: number;
}

/** The echo service with promises. */
export class EchoClient {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  unary(message: Buffer, { metadata = new Metadata(), deadlineMs }: UnaryOptions = {}): Promise<{ readonly answer: Buffer; readonly trailers: Metadata }> {
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    return new Promise((resolve, reject) => {
      let trailers = new Metadata();
      const call = this.#client.makeUnaryRequest<Buffer, Buffer>(ECHO.unary.path, asIs, asIs, message, metadata, options, (error, answer) => {
        if (error !== null) return reject(error);
        // The status event, with the trailers, comes right after the answer.
        setImmediate(() => resolve({ answer: answer ?? Buffer.alloc(0), trailers }));
      });
      call.on('status', (end) => (trailers = end.metadata));
    });
  }

  /** A call that the server never answers; `cancel` ends it from this side. */
  never(deadlineMs: number | null): { readonly failed: Promise<Error & { code?: number }>; cancel(): void } {
    const { promise, resolve } = Promise.withResolvers<Error & { code?: number }>();
    const options = deadlineMs === null ? {} : { deadline: Date.now() + deadlineMs };
    const call = this.#client.makeUnaryRequest<Buffer, Buffer>(ECHO.never.path, asIs, asIs, Buffer.from('x'), new Metadata(), options, (error) => {
      if (error !== null) resolve(error);
    });
    return { failed: promise, cancel: () => call.cancel() };
  }

  async gather(pieces: readonly Buffer[]): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeClientStreamRequest<Buffer, Buffer>(ECHO.gather.path, asIs, asIs, (error, answer) => {
        if (error === null) resolve(answer ?? Buffer.alloc(0));
        else reject(error);
      });
      for (const piece of pieces) call.write(piece);
      call.end();
    });
  }

  async spread(count: number): Promise<readonly string[]> {
    const call = this.#client.makeServerStreamRequest<Buffer, Buffer>(ECHO.spread.path, asIs, asIs, Buffer.from(String(count)));
    const answers: string[] = [];
    for await (const piece of call) answers.push(String(piece));
    return answers;
  }

  /** One open stream both ways. */
  chat(): ChatCall {
    return new ChatCall(this.#client.makeBidiStreamRequest<Buffer, Buffer>(ECHO.chat.path, asIs, asIs));
  }
}

/** A bidirectional stream that echoes. */
export class ChatCall {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  /** Rejects when the stream ends with another status than OK. */
  readonly ended: Promise<void>;

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    this.ended = new Promise((resolve, reject) => {
      call.on('status', ({ code, details }) => (code === status.OK ? resolve() : reject(new Error(`status ${code}: ${details}`))));
      call.on('error', reject);
    });
    this.ended.catch(() => {});
  }

  /** Sends a message and waits for its echo. */
  async say(text: string): Promise<string> {
    const answer = once(this.#call, 'data');
    this.#call.write(Buffer.from(text));
    const [data] = (await Promise.race([answer, this.ended.then(() => Promise.reject(new Error('the stream ended')))])) as [Buffer];
    return data.toString();
  }

  end(): void {
    this.#call.end();
  }
}
