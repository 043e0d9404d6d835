import { MAX_COMMUNITIES } from './advertisementBounds.ts';
import { COMMUNITY_NAME, COMMUNITY_VALUE } from './communityForm.ts';
import { groupOf, type Decoding } from './decoding.ts';
import { reportUnknownFields } from './unknownFields.ts';
import type { Community } from '../model/advertisements.ts';

/** gatehouse.dev/v1 or metallb.io/v1beta1 Community. One fault costs the change: an advertisement may name any of its entries. */
export function decodeCommunity(decoding: Decoding): Community | null {
  const { object, base } = decoding;
  const spec = object.optionalMap('spec');
  reportUnknownFields(spec, ['communities']);
  const communities = new Map<string, string>();
  for (const reader of spec.parts('communities', MAX_COMMUNITIES)) {
    reportUnknownFields(reader, ['name', 'value']);
    const name = reader.requiredText('name', COMMUNITY_NAME);
    const value = reader.requiredText('value', COMMUNITY_VALUE);
    if (communities.has(name)) reader.fail('name', 'must differ from the other names', name);
    communities.set(name, value);
  }
  if (object.failed) return null;
  return { ...base, kind: 'Community', group: groupOf(decoding), communities: [...communities].map(([name, value]) => ({ name, value })) };
}
