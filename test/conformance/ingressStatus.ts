import assert from 'node:assert/strict';
import type { Gatehouse } from '../support/gatehouse.ts';

interface StatusOfIngresses {
  readonly ingresses: readonly { readonly name: string; readonly addresses: readonly string[] }[];
}

/** Addresses in the published status of an Ingress; null when the Ingress is not ours to publish. */
export async function addressesOf(gatehouse: Gatehouse, name: string): Promise<readonly string[] | null> {
  const { ingresses } = (await gatehouse.api('/api/v1/status')) as StatusOfIngresses;
  assert.ok(Array.isArray(ingresses));
  return ingresses.find((ingress) => ingress.name === name)?.addresses ?? null;
}
