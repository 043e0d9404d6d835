import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadBalancer, pool } from './loadBalancer.ts';
import type { Manifest } from './manifests.ts';

/** A Service of type LoadBalancer with ten endpoints, in a file of its own. */
export interface ServiceFile {
  /** 0 to 65,535; its VIP is in 10.64.0.0/16, its endpoints in 10.128.0.0/9. */
  readonly index: number;
  /** Hosts of its endpoints are numbered from here on, up to 245. */
  readonly firstHost: number;
  /** Default TCP. */
  readonly protocol?: 'TCP' | 'UDP';
}

export const ENDPOINTS_PER_SERVICE = 10;

/** VIP of the Service of that number. */
export function vipOfService(index: number): string {
  return `10.64.${index >> 8}.${index & 255}`;
}

/** An address of its endpoints. */
export function endpointOfService(index: number, host: number): string {
  return `10.${128 + (index >> 8)}.${index & 255}.${host}`;
}

/** Fills a folder with Services, and the pool that they need. */
export async function writeServices(folder: string, services: readonly ServiceFile[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'pool.json'), printList([pool('many', ['10.64.0.0/16'])]));
  for (const service of services) await writeService(folder, service);
}

/** Writes or replaces one of them, all at once. */
export async function writeService(folder: string, service: ServiceFile): Promise<void> {
  const name = nameOf(service);
  await writeFile(join(folder, `.${name}.new`), printList(objectsOf(service)));
  await rename(join(folder, `.${name}.new`), join(folder, name));
}

export async function removeService(folder: string, service: Pick<ServiceFile, 'index'>): Promise<void> {
  await rm(join(folder, nameOf(service)));
}

function nameOf({ index }: Pick<ServiceFile, 'index'>): string {
  return `service-${index}.json`;
}

function objectsOf({ index, firstHost, protocol = 'TCP' }: ServiceFile): readonly Manifest[] {
  const backends = Array.from({ length: ENDPOINTS_PER_SERVICE }, (_, number) => ({ address: endpointOfService(index, firstHost + number), port: 8080 }));
  return loadBalancer(`service-${index}`, [{ port: 80, protocol, backends }], { annotations: { 'gatehouse.dev/load-balancer-ips': vipOfService(index) } });
}

function printList(items: readonly Manifest[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
