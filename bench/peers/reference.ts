import { join } from 'node:path';
import { freePort, startPinned, whenListening } from '../child.ts';
import type { Peer } from './peer.ts';

/** http-proxy, the package: what most Node reverse proxies are made of. */
export const httpProxy = referencePeer('http-proxy', 'httpProxyServer.ts');
/** node:http in front, undici behind: what a team would write today. */
export const nodeUndici = referencePeer('node:http + undici', 'undiciServer.ts');
/** The same with node:http2 in front. */
export const nodeHttp2Undici = referencePeer('node:http2 + undici', 'undiciServer.ts');
/** `pipe` between two sockets. */
export const nodePipe = referencePeer('node:net pipe', 'tcpRelay.ts');
/** Two datagram sockets. */
export const nodeDatagrams = referencePeer('node:dgram', 'udpRelay.ts');

function referencePeer(name: string, script: string): Peer {
  return {
    name,
    missing: () => null,
    async start({ backendPort, folder, protocol, tls, cores }) {
      const port = await freePort();
      const entry = join(import.meta.dirname, '../reference', script);
      const files = tls === null ? [] : [tls.certificate, tls.key, protocol];
      const process = startPinned(
        cores,
        [globalThis.process.execPath, entry, String(port), String(backendPort), join(folder, `${script}.log`), ...files],
        '/dev/null',
      );
      if (protocol !== 'udp') await whenListening(port, process);
      return { address: '127.0.0.1', port, process };
    },
  };
}
