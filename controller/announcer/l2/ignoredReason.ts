/** Why a frame is ignored; the first rule that it breaks counts. */
export const IGNORED_REASONS = [
  // Ethernet, and what is asked before anything is decoded.
  'interface', 'short', 'vlanTagged', 'etherType', 'notOurs', 'ownFrame', 'destination', 'senderMac',
  // ARP (RFC 826).
  'hardwareType', 'protocolType', 'addressLengths', 'opcode', 'senderIp',
  // NDP (RFC 4861 sections 7.1.1 and 7.1.2).
  'ipVersion', 'nextHeader', 'ipLength', 'hopLimit', 'icmpType', 'icmpCode', 'icmpLength', 'checksum', 'multicastSource',
  'multicastTarget', 'option', 'unspecifiedSource', 'solicitedMulticast',
  // In order, but not to be answered now, or not by this node.
  'reply', 'probing', 'leaving', 'otherSharer', 'twin', 'rateLimit',
] as const;

/** One of `IGNORED_REASONS`. */
export type IgnoredReason = (typeof IGNORED_REASONS)[number];

/** What decoding answers instead of a message. */
export interface Ignored {
  readonly type: 'ignored';
  readonly reason: IgnoredReason;
}

const BY_REASON: ReadonlyMap<IgnoredReason, Ignored> = new Map(
  IGNORED_REASONS.map((reason) => [reason, Object.freeze({ type: 'ignored', reason })]),
);

/** The one object of its reason: a flood of bad frames makes no garbage. */
export function ignored(reason: IgnoredReason): Ignored {
  return BY_REASON.get(reason) ?? { type: 'ignored', reason };
}
