import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { Transport, UpstreamTls } from '../../../core/ir/transport.ts';
import { systemClock } from '../../../core/time/clock.ts';
import { endpointKey } from '../../balance/endpointState.ts';
import { Deadlines } from '../../limits/deadlines.ts';
import { createCachedLookup } from '../cachedLookup.ts';
import type { ResponseHead, Tunnel } from '../exchange.ts';
import { Fields } from '../fields.ts';
import type { H1UpstreamOptions } from '../h1/h1Upstream.ts';
import type { Upstream, UpstreamError, UpstreamHead, UpstreamRequest, UpstreamTarget } from '../upstream.ts';
import { UpstreamTlsIdentities } from '../upstreamTls.ts';

const TIMEOUTS = { connectMs: 5_000, readMs: 5_000, sendMs: 5_000 };

/** HTTP/2 with prior knowledge. */
export const CLEARTEXT_HTTP2: Transport = { protocol: 'http2', tls: null, tlsWhen: 'always', identity: 'http2' };

/** Options of an upstream for tests, the parts that matter to one replaced. */
export function upstreamOptions(own: Partial<H1UpstreamOptions> = {}): H1UpstreamOptions {
  return {
    clock: systemClock,
    deadlines: new Deadlines(systemClock),
    keepAlive: () => ({ connections: 10, idleTimeoutMs: 60_000, requests: 10_000, maxAgeMs: 3_600_000 }),
    responseLimits: { requestLineBytes: 8192, fieldLineBytes: 8192, headerBytes: 32_768, headerCount: 100 },
    lookup: createCachedLookup(),
    tls: new UpstreamTlsIdentities({ certificate: () => undefined }),
    onFault: (fault) => {
      throw fault;
    },
    ...own,
  };
}

/** A TLS transport whose identity is spelled out of all that it holds, as the translation's is in short. */
export function tlsTransport(protocol: Transport['protocol'], own: Partial<UpstreamTls> = {}): Transport {
  const tls: UpstreamTls = {
    authoritiesPem: null,
    verifyDepth: 1,
    serverName: null,
    verifyName: 'backend.test',
    clientCertificate: null,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: null,
    ...own,
  };
  return { protocol, tls, tlsWhen: 'always', identity: JSON.stringify(tls) };
}

/** A target on loopback. */
export function targetOf(port: number, transport: Transport | null, own: Partial<UpstreamTarget> = {}): UpstreamTarget {
  const endpoint: Endpoint = { host: '127.0.0.1', port, weight: 1, state: 'ready' };
  return { endpoint, key: endpointKey(endpoint), timeouts: TIMEOUTS, transport, reuse: true, ...own };
}

/** A GET of `/` without a body, the parts that matter to a test replaced. `fields`: name, value pairs. */
export function headOf(own: Partial<Omit<UpstreamHead, 'fields'>> = {}, fields: readonly (readonly [string, string])[] = []): UpstreamHead {
  const head = new Fields();
  for (const [name, value] of fields) head.append(name, name.toLowerCase(), value);
  return {
    method: 'GET',
    scheme: 'http',
    authority: 'gw.test',
    target: '/',
    bodyLength: 0,
    upgrade: null,
    expectsContinue: false,
    protocol: 'HTTP/1.1',
    ...own,
    fields: head,
  };
}

/** One try and all that was said of it, in order. */
export class AskedRequest {
  readonly request: UpstreamRequest;
  /** `ready`, `continue`, `info 103`, `head 200`, `data 5`, `end`, `error reset`, `upgrade`, `writable`. */
  readonly said: string[] = [];
  head: ResponseHead | null = null;
  body = '';
  trailers: Fields | null = null;
  error: UpstreamError | null = null;
  tunnel: Tunnel | null = null;
  /** Answer of `onData`. */
  takes = true;
  #waiting: (() => void)[] = [];

  /** `sendsBody`: the test writes the body; otherwise the request ends with its head. */
  constructor(upstream: Upstream, target: UpstreamTarget, head: UpstreamHead, sendsBody = false) {
    this.request = upstream.request(target, head, {
      onReady: () => {
        this.#say('ready');
        if (!sendsBody) this.request.end(null);
      },
      onInformational: ({ status }) => this.#say(`info ${status}`),
      onContinue: () => this.#say('continue'),
      onHead: (response) => {
        this.head = response;
        this.#say(`head ${response.status}`);
      },
      onData: (chunk) => {
        this.body += chunk.toString('latin1');
        this.#say(`data ${chunk.length}`);
        return this.takes;
      },
      onEnd: (trailers) => {
        this.trailers = trailers;
        this.#say('end');
      },
      onUpgrade: (response, tunnel) => {
        this.head = response;
        this.tunnel = tunnel;
        this.#say('upgrade');
      },
      onWritable: () => this.#say('writable'),
      onError: (error) => {
        this.error = error;
        this.#say(`error ${error.code}`);
      },
    });
  }

  /** Resolves once something that begins so was said. */
  async until(start: string): Promise<void> {
    while (!this.said.some((each) => each.startsWith(start))) {
      if (this.error !== null) throw new Error(`${this.error.code}: ${this.error.detail}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
  }

  /** Resolves once the try is over: with the status, or the error. */
  async over(): Promise<number | UpstreamError> {
    while (this.error === null && !this.said.includes('end')) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    return this.error ?? this.head?.status ?? 0;
  }

  #say(word: string): void {
    this.said.push(word);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
