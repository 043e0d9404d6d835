import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** For tests: how the server treats the next requests. */
export type LeaseServerMode = 'healthy' | 'conflicts' | 'errors' | 'silent';

/** For tests: a Lease as the server keeps it. */
export interface StoredLease {
  readonly metadata: Readonly<Record<string, unknown>> & { readonly uid: string; readonly resourceVersion: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** For tests: an HTTP server that knows GET, POST and PUT of one Lease, with the preconditions of the API server. */
export interface LeaseServer {
  readonly url: URL;
  mode: LeaseServerMode;
  lease: StoredLease | null;
  /** Writes that happened, oldest first. */
  readonly writes: readonly StoredLease[];
  /** Resolves after the next request of this method has been answered, or met with silence. */
  next(method: string): Promise<void>;
  close(): Promise<void>;
}

/** For tests: a server on a port of its own, or of the one before it that is to come back. */
export async function startLeaseServer(port = 0): Promise<LeaseServer> {
  const waiting: { readonly method: string; readonly resolve: () => void }[] = [];
  const writes: StoredLease[] = [];
  let version = 0;

  function store(body: StoredLease, uid: string): StoredLease {
    version += 1;
    const stored = { ...body, metadata: { ...body.metadata, uid, resourceVersion: String(version) } };
    writes.push(stored);
    served.lease = stored;
    return stored;
  }

  function answerOf(method: string, body: StoredLease): readonly [status: number, value: unknown] {
    if (served.mode === 'errors') return [500, { kind: 'Status', code: 500, message: 'etcd is away' }];
    if (method === 'GET') return served.lease === null ? [404, { kind: 'Status', code: 404 }] : [200, served.lease];
    const conflict = [409, { kind: 'Status', code: 409, reason: 'Conflict' }] as const;
    if (served.mode === 'conflicts') return conflict;
    if (method === 'POST') return served.lease === null ? [201, store(body, `uid-${version + 1}`)] : conflict;
    const { uid, resourceVersion } = body.metadata;
    const isSame = served.lease?.metadata.uid === uid && served.lease.metadata.resourceVersion === resourceVersion;
    return isSame ? [200, store(body, uid)] : conflict;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request;
    const body = method === 'GET' ? {} : await json(request);
    if (served.mode !== 'silent') {
      const [status, value] = answerOf(method, body as StoredLease);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    }
    for (const entry of waiting.filter((candidate) => candidate.method === method)) {
      waiting.splice(waiting.indexOf(entry), 1);
      entry.resolve();
    }
  }

  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  await listen(server, port);
  const served: LeaseServer = {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    mode: 'healthy',
    lease: null,
    writes,
    next: (method) => new Promise((resolve) => waiting.push({ method, resolve })),
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
  return served;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}
