import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printManifests } from '../../test/support/gatehouse.ts';
import { ingress, service, tlsSecret } from '../../test/support/manifests.ts';
import { freePort, startPinned, whenListening } from '../child.ts';
import type { Peer } from './peer.ts';

/** The whole product as users run it: controller, proxy process, one worker per core, metrics and access log on. */
export const gatehouse: Peer = {
  name: 'Gatehouse',
  missing: () => null,
  async start({ backendPort, host, folder, tls, cores }) {
    const port = await freePort();
    const manifests = join(folder, `manifests-${port}`);
    await mkdir(manifests);
    const secrets = tls === null ? [] : [tlsSecret('bench', { certificate: await readFile(tls.certificate, 'utf8'), key: await readFile(tls.key, 'utf8') })];
    const web = ingress('web', host, [{ path: '/', service: 'web' }], { spec: { tls: tls === null ? [] : [{ hosts: [host], secretName: 'bench' }] } });
    await writeFile(join(manifests, 'bench.yaml'), printManifests([...service('web', [{ address: '127.0.0.1', port: backendPort }]), web, ...secrets]));
    const admin = await freePort();
    const binary = join(import.meta.dirname, '../../bin/gatehouse');
    const flags = ['--workers', String(cores.split(',').length), '--admin', `127.0.0.1:${admin}`, '--log-level', 'error'];
    const listen = [tls === null ? '--http' : '--https', `127.0.0.1:${port}`];
    const process = startPinned(cores, [binary, 'run', '--manifests', manifests, ...listen, ...flags], join(folder, 'gatehouse-access.log'));
    await whenListening(port, process);
    return { port, process };
  },
};
