import { Pool } from 'undici';
import { serveReference } from './listen.ts';

const NOT_FORWARDED = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host', 'content-length']);

serveReference(({ backendPort, log }) => {
  const pool = new Pool(`http://127.0.0.1:${backendPort}`, { connections: 512, pipelining: 1 });
  return (request, response) => {
    const headers: string[] = ['host', request.headers.host ?? String(request.headers[':authority'] ?? ''), 'x-forwarded-for', request.socket.remoteAddress ?? ''];
    for (const [name, value] of Object.entries(request.headers)) {
      if (typeof value === 'string' && !name.startsWith(':') && !NOT_FORWARDED.has(name)) headers.push(name, value);
    }
    const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
    const options = { path: request.url ?? '/', method: request.method as 'GET', headers, body: hasBody ? request : null };
    pool
      .stream(options, ({ statusCode, headers: received }) => {
        for (const [name, value] of Object.entries(received)) {
          if (value !== undefined && !NOT_FORWARDED.has(name)) response.setHeader(name, value);
        }
        if (received['content-length'] !== undefined) response.setHeader('content-length', received['content-length']);
        response.statusCode = statusCode;
        log(request, statusCode);
        return response;
      })
      .catch(() => response.destroy());
  };
});
