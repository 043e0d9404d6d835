import { createWriteStream, readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';

/** Arguments of a reference server: own port, backend port, log file, then certificate and key files for TLS. */
export interface ReferenceArguments {
  readonly backendPort: number;
  readonly log: (request: IncomingMessage, status: number) => void;
}

/** Serves `listener` on the port given by the command line and ends with SIGTERM. */
export function serveReference(create: (options: ReferenceArguments) => RequestListener): void {
  const [, , port, backendPort, logFile, certificate, key] = process.argv;
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
  const server =
    certificate === undefined || key === undefined
      ? createHttpServer(listener)
      : createHttpsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, listener);
  server.listen(Number(port), '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
}
