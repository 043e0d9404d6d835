import { createWriteStream, readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Server } from 'node:net';

/** Arguments of a reference server: own port, backend port, log file, then certificate and key files for TLS, then `http2` or not. */
export interface ReferenceArguments {
  readonly backendPort: number;
  readonly log: (request: IncomingMessage, status: number) => void;
}

/** Serves `listener` on the port given by the command line and ends with SIGTERM. */
export function serveReference(create: (options: ReferenceArguments) => RequestListener): void {
  const [, , port, backendPort, logFile, certificate, key, protocol] = process.argv;
  const stream = createWriteStream(logFile ?? '/dev/null');
  let lines = '';
  setInterval(() => {
    stream.write(lines);
    lines = '';
  }, 200).unref();
  const listener = create({
    backendPort: Number(backendPort),
    log: (request, status) => {
      lines += `${request.socket.remoteAddress} [${new Date().toISOString()}] "${request.method} ${request.url}" ${status}\n`;
    },
  });
  const server = certificate === undefined || key === undefined ? createHttpServer(listener) : secure(listener, { certificate, key, protocol });
  server.listen(Number(port), '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
}

function secure(listener: RequestListener, files: { readonly certificate: string; readonly key: string; readonly protocol: string | undefined }): Server {
  const pair = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
  // The compatibility interface of node:http2 is close enough to node:http's for what the listeners do.
  return files.protocol === 'http2' ? createSecureServer(pair, listener as never) : createHttpsServer(pair, listener);
}
