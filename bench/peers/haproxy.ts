import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, isInstalled, startPinned, whenListening } from '../child.ts';
import type { Peer, PeerOptions } from './peer.ts';

/** HAProxy with forwarding fields and its HTTP log. */
export const haproxy: Peer = {
  name: 'HAProxy',
  missing: () => (isInstalled('haproxy') ? null : 'haproxy is not installed'),
  async start(options) {
    const { folder, protocol, tls, cores } = options;
    const port = await freePort();
    const file = join(folder, 'haproxy.cfg');
    const pem = join(folder, 'haproxy.pem');
    if (tls !== null) await writeFile(pem, (await readFile(tls.certificate, 'utf8')) + (await readFile(tls.key, 'utf8')));
    await writeFile(file, protocol === 'tcp' ? tcpConfiguration(port, options) : httpConfiguration(port, pem, options));
    const process = startPinned(cores, ['haproxy', '-db', '-f', file], join(folder, 'haproxy.log'));
    await whenListening(port, process);
    return { address: '127.0.0.1', port, process };
  },
};

function globalSection(cores: string): string {
  return `global
  nbthread ${cores.split(',').length}
  maxconn 4096
  log stdout format raw local0
`;
}

function tcpConfiguration(port: number, { backendPort, cores }: PeerOptions): string {
  return `${globalSection(cores)}defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option tcplog
  log global
listen front
  bind 127.0.0.1:${port}
  server one 127.0.0.1:${backendPort}
`;
}

function httpConfiguration(port: number, pem: string, { backendPort, host, protocol, tls, cores }: PeerOptions): string {
  const security = tls === null ? '' : ` ssl crt ${pem} alpn ${protocol === 'http2' ? 'h2' : 'http/1.1'}`;
  return `${globalSection(cores)}defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option httplog
  log global
  http-reuse always
frontend front
  bind 127.0.0.1:${port}${security}
  unique-id-format %[uuid()]
  http-request set-header X-Request-ID %[unique-id]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto ${tls === null ? 'http' : 'https'}
  use_backend web if { req.hdr(host) -i ${host} }
backend web
  server one 127.0.0.1:${backendPort}
`;
}
