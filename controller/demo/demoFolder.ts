import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { DemoService } from './backends.ts';
import { makeDemoCertificate } from './demoCertificates.ts';

/** The example's own folder. */
export const SHOP_FOLDER = fileURLToPath(new URL('../../examples/shop/', import.meta.url));

const NAMESPACE = 'shop';
const TLS_HOST = 'checkout.shop.test';
const TLS_SECRET = 'checkout-tls';

/** A copy of examples/shop with what a cluster would add: endpoints and a certificate. */
export interface DemoFolder {
  /** Holds everything; only its owner may read it. */
  readonly path: string;
  /** What Gatehouse serves from. */
  readonly manifests: string;
  /** PEM file of the authority behind the shop's certificate. */
  readonly authorityFile: string;
  /** Removes the folder with everything in it. Idempotent. */
  remove(): Promise<void>;
}

/** Writes the folder into the system's temporary folder; the caller removes it. */
export async function writeDemoFolder(services: readonly DemoService[], nowMs: number): Promise<DemoFolder> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-demo-'));
  const folder: DemoFolder = {
    path,
    manifests: join(path, 'manifests'),
    authorityFile: join(path, 'authority.pem'),
    remove: () => rm(path, { recursive: true, force: true }),
  };
  try {
    await fill(folder, services, nowMs);
  } catch (error) {
    await folder.remove();
    throw error;
  }
  return folder;
}

async function fill(folder: DemoFolder, services: readonly DemoService[], nowMs: number): Promise<void> {
  await mkdir(folder.manifests);
  const files = (await readdir(SHOP_FOLDER)).filter((file) => file.endsWith('.yaml'));
  await Promise.all(files.map((file) => copyFile(join(SHOP_FOLDER, file), join(folder.manifests, file))));
  const slices = services.flatMap(({ service, ports }) => ports.map((port, index) => endpointSlice(service, index + 1, port)));
  await writeFile(join(folder.manifests, 'endpoints.yaml'), slices.map((slice) => stringify(slice)).join('---\n'));
  const certificate = makeDemoCertificate(TLS_HOST, nowMs);
  const secret = tlsSecret(certificate.certificatePem, certificate.privateKeyPem);
  await writeFile(join(folder.manifests, 'certificate.yaml'), stringify(secret), { mode: 0o600 });
  await writeFile(folder.authorityFile, certificate.authorityPem);
}

/** One slice per backend, because each listens on a port of its own. */
function endpointSlice(service: string, index: number, port: number): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-${index}`, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  };
}

function tlsSecret(certificatePem: string, privateKeyPem: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: TLS_SECRET, namespace: NAMESPACE },
    stringData: { 'tls.crt': certificatePem, 'tls.key': privateKeyPem },
  };
}
