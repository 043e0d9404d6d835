import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, isInstalled, startPinned, whenListening } from '../child.ts';
import type { Peer } from './peer.ts';

/** nginx with ingress-nginx's forwarding fields and a buffered access log. */
export const nginx: Peer = {
  name: 'nginx',
  missing: () => (isInstalled('nginx') ? null : 'nginx is not installed'),
  async start({ backendPort, host, folder, protocol, tls, cores }) {
    const port = await freePort();
    const file = join(folder, 'nginx.conf');
    const certificate = tls === null ? '' : `ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;`;
    await writeFile(
      file,
      `worker_processes ${cores.split(',').length}; daemon off; error_log ${folder}/nginx-error.log; pid ${folder}/nginx.pid;
events { worker_connections 16384; }
http {
  access_log ${folder}/nginx-access.log combined buffer=64k flush=1s; keepalive_requests 100000000; client_body_temp_path ${folder};
  upstream backend { server 127.0.0.1:${backendPort}; keepalive 320; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port}${tls === null ? '' : ' ssl'}${protocol === 'http2' ? ' http2' : ''} reuseport backlog=4096; server_name ${host}; ${certificate}
    location / {
      proxy_pass http://backend; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Request-ID $request_id;
      proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Scheme $scheme; proxy_set_header X-Scheme $scheme;
    }
  }
}
`,
    );
    const process = startPinned(cores, ['nginx', '-e', `${folder}/nginx-error.log`, '-c', file], '/dev/null');
    await whenListening(port, process);
    return { address: '127.0.0.1', port, process };
  },
};
