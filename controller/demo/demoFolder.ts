import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { DemoService } from './backends.ts';
import type { DemoCertificate, DemoCertificates } from './demoCertificates.ts';

/** The example's own folder. */
export const SHOP_FOLDER = fileURLToPath(new URL('../../examples/shop/', import.meta.url));

const NAMESPACE = 'shop';
/** The range of examples/shop/pool.yaml. */
const EXAMPLE_RANGE = '127.77.0.';

/** Hosts with a certificate of the demo's authority; the vault keeps its own to itself. */
export const TLS_HOSTS = ['checkout.shop.test', 'quotes.shop.test', 'vault.shop.test'] as const;

/** What the folder is filled with. */
export interface DemoContent {
  readonly services: readonly DemoService[];
  readonly certificates: DemoCertificates<(typeof TLS_HOSTS)[number]>;
  /** Third octet of the pool's addresses, 127.77.N.1 and on. */
  readonly poolOctet: number;
}

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
export async function writeDemoFolder(content: DemoContent): Promise<DemoFolder> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-demo-'));
  const folder: DemoFolder = {
    path,
    manifests: join(path, 'manifests'),
    authorityFile: join(path, 'authority.pem'),
    remove: () => rm(path, { recursive: true, force: true }),
  };
  try {
    await fill(folder, content);
  } catch (error) {
    await folder.remove();
    throw error;
  }
  return folder;
}

async function fill(folder: DemoFolder, { services, certificates, poolOctet }: DemoContent): Promise<void> {
  await mkdir(folder.manifests);
  const files = (await readdir(SHOP_FOLDER)).filter((file) => file.endsWith('.yaml'));
  await Promise.all(files.map((file) => copyFile(join(SHOP_FOLDER, file), join(folder.manifests, file))));
  const pool = await readFile(join(SHOP_FOLDER, 'pool.yaml'), 'utf8');
  await writeFile(join(folder.manifests, 'pool.yaml'), pool.replaceAll(EXAMPLE_RANGE, `127.77.${poolOctet}.`));
  const slices = services.flatMap((service) => service.ports.map((port, index) => endpointSlice(service, index + 1, port)));
  await writeFile(join(folder.manifests, 'endpoints.yaml'), slices.map((slice) => stringify(slice)).join('---\n'));
  const secrets = [
    tlsSecret('checkout-tls', certificates.certificates['checkout.shop.test']),
    tlsSecret('quotes-tls', certificates.certificates['quotes.shop.test']),
  ];
  await writeFile(join(folder.manifests, 'certificates.yaml'), secrets.map((secret) => stringify(secret)).join('---\n'), { mode: 0o600 });
  await writeFile(folder.authorityFile, certificates.authorityPem);
}

/** One slice per backend, because each listens on a port of its own. */
function endpointSlice({ service, portName, protocol }: DemoService, index: number, port: number): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-${index}`, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: portName, port, protocol }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  };
}

function tlsSecret(name: string, { certificatePem, privateKeyPem }: DemoCertificate): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name, namespace: NAMESPACE },
    stringData: { 'tls.crt': certificatePem, 'tls.key': privateKeyPem },
  };
}
