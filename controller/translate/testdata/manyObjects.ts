import { decodeObject } from '../../decode/decodeObject.ts';
import type { KubeObject } from '../../model/objects.ts';

/** Decodes manifests given as plain values; throws when one cannot be used. */
export function decodeAll(values: readonly unknown[]): KubeObject[] {
  return values.map((value) => {
    const { object, problems } = decodeObject(value, null);
    if (object === null) throw new Error(JSON.stringify(problems));
    return object;
  });
}

/** An Ingress of one host with a few paths, its Service and EndpointSlice. */
export function healthyShop(number: number): unknown[] {
  const name = `shop-${number}`;
  const backend = { service: { name, port: { name: 'http' } } };
  const paths = ['/', '/cart', '/checkout'].map((path) => ({ path, pathType: 'Prefix', backend }));
  const annotations = {
    'nginx.ingress.kubernetes.io/proxy-read-timeout': '30',
    'nginx.ingress.kubernetes.io/proxy-body-size': '8m',
  };
  return [
    ingressValue(name, { rules: [{ host: `${name}.test`, http: { paths } }] }, annotations),
    { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ name: 'http', port: 80 }] } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080 }],
      endpoints: [1, 2, 3].map((last) => ({ addresses: [`10.${number >> 8}.${number & 255}.${last}`] })),
    },
  ];
}

/** An Ingress as a parsed manifest. */
export function ingressValue(name: string, spec: unknown, annotations: Readonly<Record<string, string>> = {}): unknown {
  const metadata = { name, annotations, creationTimestamp: '2025-01-01T00:00:00Z' };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec };
}
