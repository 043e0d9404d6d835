import type { Finding } from '../translate/problemOf.ts';

/** What an annotation of a Service tells the allocator. */
export type AnnotationMeaning = 'addresses' | 'pool' | 'sharingKey' | 'optIn';

/** One annotation that the allocator obeys. */
export interface AllocatorAnnotation {
  readonly name: string;
  readonly meaning: AnnotationMeaning;
  /** Whose users write it. */
  readonly product: 'Gatehouse' | 'MetalLB' | 'OpenELB' | 'kube-vip';
  /** The product itself has left the name behind: it is obeyed with a warning, and only where no newer one is. */
  readonly deprecated: boolean;
}

/** All annotations that the allocator obeys, in the order in which problems name them. The table of docs/address-pools.md. */
export const ALLOCATOR_ANNOTATIONS: readonly AllocatorAnnotation[] = [
  row('gatehouse.dev/load-balancer-ips', 'addresses', 'Gatehouse'),
  row('metallb.io/loadBalancerIPs', 'addresses', 'MetalLB'),
  row('metallb.universe.tf/loadBalancerIPs', 'addresses', 'MetalLB', true),
  row('eip.openelb.kubesphere.io/v1alpha1', 'addresses', 'OpenELB'),
  row('kube-vip.io/loadbalancerIPs', 'addresses', 'kube-vip'),
  row('gatehouse.dev/address-pool', 'pool', 'Gatehouse'),
  row('metallb.io/address-pool', 'pool', 'MetalLB'),
  row('metallb.universe.tf/address-pool', 'pool', 'MetalLB', true),
  row('eip.openelb.kubesphere.io/v1alpha2', 'pool', 'OpenELB'),
  row('gatehouse.dev/allow-shared-ip', 'sharingKey', 'Gatehouse'),
  row('metallb.io/allow-shared-ip', 'sharingKey', 'MetalLB'),
  row('metallb.universe.tf/allow-shared-ip', 'sharingKey', 'MetalLB', true),
  row('lb.kubesphere.io/v1alpha1', 'optIn', 'OpenELB'),
];

/** OpenELB's value of its opt-in annotation. */
const OPENELB = 'openelb';

/** What an annotation says, and the path of its field. */
export interface AnnotationText {
  readonly annotation: AllocatorAnnotation;
  /** Without spaces around it; never empty. */
  readonly value: string;
  readonly field: string;
}

const BY_MEANING = Map.groupBy(ALLOCATOR_ANNOTATIONS, ({ meaning }) => meaning);

/** All that is said by annotations of one meaning; an empty one says nothing, a deprecated one only where no newer one does. */
export function readAnnotations(
  annotations: ReadonlyMap<string, string>,
  meaning: AnnotationMeaning,
): readonly AnnotationText[] {
  if (annotations.size === 0) return [];
  const said: AnnotationText[] = [];
  for (const annotation of BY_MEANING.get(meaning) ?? []) {
    const value = annotations.get(annotation.name)?.trim() ?? '';
    if (value === '' || (annotation.deprecated && said.length > 0)) continue;
    said.push({ annotation, value, field: fieldOf(annotation.name) });
  }
  return said;
}

/** True when the Service says, as OpenELB's do, that it wants an address. */
export function isOptedIn(annotations: ReadonlyMap<string, string>): boolean {
  return readAnnotations(annotations, 'optIn').some(({ value }) => value === OPENELB);
}

/** One finding for each annotation under a deprecated name. */
export function deprecations(annotations: ReadonlyMap<string, string>): Finding[] {
  if (annotations.size === 0) return [];
  const used = ALLOCATOR_ANNOTATIONS.filter(({ name, deprecated }) => deprecated && annotations.has(name));
  return used.map(({ name, meaning }) => ({
    severity: 'warning',
    field: fieldOf(name),
    rule: `has a deprecated prefix: write ${newerNames(meaning).slice(0, 2).join(' or ')}`,
    effect: readAnnotations(annotations, meaning).some(({ annotation }) => annotation.name === name)
      ? 'it is read as such'
      : 'it is ignored',
  }));
}

function newerNames(meaning: AnnotationMeaning): string[] {
  return (BY_MEANING.get(meaning) ?? []).filter(({ deprecated }) => !deprecated).map(({ name }) => name);
}

function row(
  name: string,
  meaning: AnnotationMeaning,
  product: AllocatorAnnotation['product'],
  deprecated = false,
): AllocatorAnnotation {
  return { name, meaning, product, deprecated };
}

function fieldOf(name: string): string {
  return `metadata.annotations[${name}]`;
}
