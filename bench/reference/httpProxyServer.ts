import { Agent } from 'node:http';
import httpProxy from 'http-proxy';
import { serveReference } from './listen.ts';

serveReference(({ backendPort, log }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 512 });
  const proxy = httpProxy.createProxyServer({ target: { host: '127.0.0.1', port: backendPort }, agent, xfwd: true });
  return (request, response) => {
    response.on('finish', () => log(request, response.statusCode));
    proxy.web(request, response, {}, () => response.writeHead(502).end());
  };
});
