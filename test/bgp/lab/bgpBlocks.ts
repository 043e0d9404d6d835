import { pool } from '../../support/loadBalancer.ts';
import type { Lab } from '../../netns/lab.ts';
import type { LabManifest } from '../../netns/labObjects.ts';
import { plainService } from './bgpObjects.ts';
import type { RouterPeer } from './router.ts';

/** Name of a pool whose VIPs are announced as the blocks that they are in. */
export const BLOCK_POOL = 'blocks';
/** Blocks that are in it as a whole. */
export const BLOCK = { ipv4: '10.83.0.0/24', ipv6: 'fd77:83::/120' } as const;
/** The pool: those, and one that is in it in part. */
export const blockPool = (): LabManifest => pool(BLOCK_POOL, [BLOCK.ipv4, '10.83.1.10-10.83.1.200', BLOCK.ipv6]);

const VIPS = {
  first: ['10.83.0.1', 'fd77:83::1'], second: ['10.83.0.200'],
  /** Of the part: beside its beginning, and in its middle. */
  edge: ['10.83.1.12'], middle: ['10.83.1.70'],
} as const;
/** What of the blocks around those is in the pool. */
export const PARTS = ['10.83.1.12/30', '10.83.1.64/26'] as const;

/** Services with VIPs of that pool. */
export function blocks(lab: Lab, names: readonly (keyof typeof VIPS)[]): LabManifest[] {
  return names.flatMap((name) => plainService(lab, `block-${name}`, VIPS[name]));
}

/** What a router has heard of them from a neighbour, each prefix once, sorted. */
export async function blocksOf(router: RouterPeer, neighbor: string): Promise<readonly string[]> {
  const prefixes = (await router.routes(neighbor)).map(({ prefix }) => prefix);
  return [...new Set(prefixes.filter((prefix) => prefix.startsWith('10.83.') || prefix.startsWith('fd77:83:')))].toSorted();
}
