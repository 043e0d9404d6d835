import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Endpoint } from '../../../core/ir/cluster.ts';
import type { UpstreamError } from '../upstream.ts';
import type { UpstreamTlsIdentity } from '../upstreamTls.ts';

/** Where sessions of one pool go, and as whom. */
export interface SessionPlace {
  readonly endpoint: Endpoint;
  /** `host:port`. */
  readonly key: string;
  /** Null: clear text. */
  readonly identity: UpstreamTlsIdentity | null;
}

/** Why there is no session. Nothing was sent in any case. */
export interface OpenFailure {
  readonly code: UpstreamError['code'];
  readonly detail: string;
}

/**
 * Opens a connection for HTTP/2: by prior knowledge, or by ALPN over TLS that has been verified. `done` is called once,
 * unless the caller destroys the socket; the caller owns it from the start.
 */
export function openUpstreamSocket(
  place: SessionPlace,
  lookup: LookupFunction,
  done: (failure: OpenFailure | null) => void,
): Socket {
  let told = false;
  let connected = false;
  const tell = (failure: OpenFailure | null): void => {
    if (told) return;
    told = true;
    done(failure);
  };
  const fail = (detail: string): void => {
    const whileShaking = connected && place.identity !== null;
    tell({ code: whileShaking ? 'tlsFailed' : 'connectFailed', detail: `${detail} while ${whileShaking ? 'shaking hands' : 'connecting'}` });
  };
  const socket = place.identity === null ? connectClear(place, lookup, tell) : connectVerified(place, place.identity, lookup, tell);
  socket.once('connect', () => {
    connected = true;
    socket.setNoDelay(true).setKeepAlive(true);
  });
  // Stays for good: an error without a listener would end the process.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    fail(error.code ?? error.name);
    // An alert after the handshake, such as TLS 1.3's certificate_required, does not close a socket that http2 has taken over.
    socket.destroy();
  });
  socket.on('close', () => fail('closed'));
  return socket;
}

type Tell = (failure: OpenFailure | null) => void;

function connectClear({ endpoint }: SessionPlace, lookup: LookupFunction, tell: Tell): Socket {
  const { host, port } = endpoint;
  const socket = connect({ host, port, ...(isIP(host) === 0 ? { lookup } : {}) });
  return socket.once('connect', () => tell(null));
}

function connectVerified(place: SessionPlace, identity: UpstreamTlsIdentity, lookup: LookupFunction, tell: Tell): Socket {
  const { host, port } = place.endpoint;
  const socket = connectTls({ host, port, ...(isIP(host) === 0 ? { lookup } : {}), ...identity.options(place.key, 'h2') });
  identity.prepare(socket, place.key, (refusal) => {
    if (refusal !== null) tell({ code: 'tlsFailed', detail: refusal });
    else if (socket.alpnProtocol !== 'h2') tell({ code: 'tlsFailed', detail: 'the backend did not agree to HTTP/2 (ALPN h2)' });
    else tell(null);
  });
  return socket;
}
