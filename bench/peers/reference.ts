import { join } from 'node:path';
import { freePort, startPinned, whenListening } from '../child.ts';
import type { Peer } from './peer.ts';

/** http-proxy, the package: what most Node reverse proxies are made of. */
export const httpProxy = referencePeer('http-proxy', 'httpProxyServer.ts');
/** node:http in front, undici behind: what a team would write today. */
export const nodeUndici = referencePeer('node:http + undici', 'undiciServer.ts');

function referencePeer(name: string, script: string): Peer {
  return {
    name,
    missing: () => null,
    async start({ backendPort, folder, tls, cores }) {
      const port = await freePort();
      const entry = join(import.meta.dirname, '../reference', script);
      const files = tls === null ? [] : [tls.certificate, tls.key];
      const process = startPinned(
        cores,
        [globalThis.process.execPath, entry, String(port), String(backendPort), join(folder, `${script}.log`), ...files],
        '/dev/null',
      );
      await whenListening(port, process);
      return { port, process };
    },
  };
}
