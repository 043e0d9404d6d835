import type { ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printManifests } from '../../test/support/gatehouse.ts';
import { ingress, service, tlsSecret } from '../../test/support/manifests.ts';
import { freePort, startPinned, whenListening } from '../child.ts';
import type { Peer, PeerOptions } from './peer.ts';

const BINARY = join(import.meta.dirname, '../../bin/gatehouse');
/** Of the pool for TCP and UDP rows. */
const VIP = '127.77.99.1';

/** The whole product as users run it: controller, proxy process, one worker per core, metrics and access log on. */
export const gatehouse: Peer = {
  name: 'Gatehouse',
  missing: () => null,
  start: (options) => (options.protocol === 'tcp' || options.protocol === 'udp' ? startL4(options) : startHttp(options)),
};

async function startHttp(options: PeerOptions): ReturnType<Peer['start']> {
  const { backendPort, host, tls } = options;
  const port = await freePort();
  const secrets = tls === null ? [] : [tlsSecret('bench', { certificate: await readFile(tls.certificate, 'utf8'), key: await readFile(tls.key, 'utf8') })];
  const web = ingress('web', host, [{ path: '/', service: 'web' }], { spec: { tls: tls === null ? [] : [{ hosts: [host], secretName: 'bench' }] } });
  const objects = [...service('web', [{ address: '127.0.0.1', port: backendPort }]), web, ...secrets];
  const process = await startRun(options, objects, [tls === null ? '--http' : '--https', `127.0.0.1:${port}`]);
  await whenListening(port, process);
  return { address: '127.0.0.1', port, process };
}

/** A Service of type LoadBalancer on its VIP. */
async function startL4(options: PeerOptions): ReturnType<Peer['start']> {
  const { backendPort, protocol } = options;
  const port = await freePort();
  const portProtocol = protocol === 'udp' ? 'UDP' : 'TCP';
  const objects = [
    { apiVersion: 'gatehouse.dev/v1', kind: 'IPAddressPool', metadata: { name: 'bench' }, spec: { addresses: [`${VIP}/32`] } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'raw', namespace: 'default' },
      spec: { type: 'LoadBalancer', ports: [{ name: 'raw', port, protocol: portProtocol }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'raw', namespace: 'default', labels: { 'kubernetes.io/service-name': 'raw' } },
      addressType: 'IPv4',
      ports: [{ name: 'raw', port: backendPort, protocol: portProtocol }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    },
  ];
  const http = await freePort();
  const process = await startRun(options, objects, ['--http', `127.0.0.1:${http}`, '--state-dir', options.folder]);
  await whenListening(http, process);
  if (protocol === 'tcp') await whenListening(port, process, VIP);
  return { address: VIP, port, process };
}

async function startRun({ folder, cores }: PeerOptions, objects: readonly object[], listen: readonly string[]): Promise<ChildProcess> {
  const admin = await freePort();
  const manifests = join(folder, `manifests-${admin}`);
  await mkdir(manifests);
  await writeFile(join(manifests, 'bench.yaml'), printManifests(objects));
  const flags = ['--workers', String(cores.split(',').length), '--admin', `127.0.0.1:${admin}`, '--log-level', 'error'];
  return startPinned(cores, [BINARY, 'run', '--manifests', manifests, ...listen, ...flags], join(folder, 'gatehouse-access.log'));
}
