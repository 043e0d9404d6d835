import type { Capability, OpenMessage } from '../codec/message.ts';

/** A capability by its type. */
export type CapabilityOf<Type extends Capability['type']> = Extract<Capability, { readonly type: Type }>;

/** All instances of a capability in an OPEN, in order (RFC 5492 section 4 allows several). */
export function capabilitiesOf<Type extends Capability['type']>(open: Pick<OpenMessage, 'capabilities'>, type: Type): readonly CapabilityOf<Type>[] {
  return open.capabilities.filter((capability): capability is CapabilityOf<Type> => capability.type === type);
}

/** The last instance, which is the one that counts (RFC 4724 section 3); null: none. */
export function capabilityOf<Type extends Capability['type']>(open: Pick<OpenMessage, 'capabilities'>, type: Type): CapabilityOf<Type> | null {
  return capabilitiesOf(open, type).at(-1) ?? null;
}
