import { decodeAttributes, encodeAttribute, encodeUint32, readUint32 } from './attributes.ts';

/** A rule that leads packets with a mark to a table: `ip rule add pref PREFERENCE fwmark MARK/MASK lookup TABLE` (ip-rule(8)). */
export interface MarkRule {
  readonly family: number;
  readonly preference: number;
  readonly mark: number;
  readonly mask: number;
  readonly table: number;
  /** Who has made it, RTPROT. */
  readonly protocol: number;
}

/** Message types, linux/rtnetlink.h. */
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTM_GETRULE = 34;

const FIB_RULE_HDR_BYTES = 12;
const FR_ACT_TO_TBL = 1;
// linux/fib_rules.h
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_PROTOCOL = 21;

/** Parts of a request that dumps all rules of a family. */
export function encodeRuleDump(family: number): readonly Buffer[] {
  const header = Buffer.alloc(FIB_RULE_HDR_BYTES);
  header.writeUInt8(family, 0);
  return [header];
}

/** Parts of a request that adds or deletes this rule. */
export function encodeMarkRule(rule: MarkRule): readonly Buffer[] {
  const header = Buffer.alloc(FIB_RULE_HDR_BYTES);
  header.writeUInt8(rule.family, 0);
  header.writeUInt8(rule.table < 256 ? rule.table : 0, 4);
  header.writeUInt8(FR_ACT_TO_TBL, 7);
  return [
    header,
    encodeUint32(FRA_PRIORITY, rule.preference),
    encodeUint32(FRA_FWMARK, rule.mark),
    encodeUint32(FRA_FWMASK, rule.mask),
    encodeUint32(FRA_TABLE, rule.table),
    encodeAttribute(FRA_PROTOCOL, Buffer.of(rule.protocol)),
  ];
}

/** Reads the payload of a rule message, of any rule: without a mark, mark and mask are 0. Null: lengths do not fit. */
export function decodeMarkRule(payload: Buffer): MarkRule | null {
  if (payload.length < FIB_RULE_HDR_BYTES) return null;
  const attributes = decodeAttributes(payload.subarray(FIB_RULE_HDR_BYTES));
  if (attributes === null) return null;
  return {
    family: payload.readUInt8(0),
    preference: readUint32(attributes, FRA_PRIORITY) ?? 0,
    mark: readUint32(attributes, FRA_FWMARK) ?? 0,
    mask: readUint32(attributes, FRA_FWMASK) ?? 0,
    table: readUint32(attributes, FRA_TABLE) ?? payload.readUInt8(4),
    protocol: attributes.get(FRA_PROTOCOL)?.[0] ?? 0,
  };
}
