import type { Finding } from '../translate/problemOf.ts';

/** An annotation under each of the prefixes it is known by; the first that is there counts, even when it is empty. */
interface AnnotationNames {
  readonly own: string;
  readonly metallb: string;
  readonly deprecated: string;
}

/** Addresses asked for: one, or one of each family with a comma between them. */
export const LOAD_BALANCER_IPS = namesOf('load-balancer-ips', 'loadBalancerIPs');
/** Name of the pool that addresses must come from. */
export const ADDRESS_POOL = namesOf('address-pool', 'address-pool');
/** Services with the same key may share an address. */
export const ALLOW_SHARED_IP = namesOf('allow-shared-ip', 'allow-shared-ip');

/** What an annotation says, and the path of its field. */
export interface AnnotationText {
  readonly value: string;
  readonly field: string;
}

/** Null when it stands there under no prefix. */
export function readAnnotation(
  annotations: ReadonlyMap<string, string>,
  names: AnnotationNames,
): AnnotationText | null {
  for (const name of [names.own, names.metallb, names.deprecated]) {
    const value = annotations.get(name);
    if (value !== undefined) return { value: value.trim(), field: fieldOf(name) };
  }
  return null;
}

/** One finding for each annotation under MetalLB's former prefix. */
export function deprecations(annotations: ReadonlyMap<string, string>): Finding[] {
  const used = [LOAD_BALANCER_IPS, ADDRESS_POOL, ALLOW_SHARED_IP].filter(({ deprecated }) =>
    annotations.has(deprecated),
  );
  return used.map((names) => ({
    severity: 'warning',
    field: fieldOf(names.deprecated),
    rule: `has a deprecated prefix: write ${names.own} or ${names.metallb}`,
    effect: annotations.has(names.own) || annotations.has(names.metallb) ? 'it is ignored' : 'it is read as such',
  }));
}

function namesOf(own: string, metallb: string): AnnotationNames {
  return {
    own: `gatehouse.dev/${own}`,
    metallb: `metallb.io/${metallb}`,
    deprecated: `metallb.universe.tf/${metallb}`,
  };
}

function fieldOf(name: string): string {
  return `metadata.annotations[${name}]`;
}
