import {
  ATTRIBUTE, EXTENDED_LENGTH_FLAG, OPTIONAL_FLAG, OPTIONAL_NON_TRANSITIVE, TRANSITIVE_FLAG,
} from './attributeCode.ts';
import { ATTRIBUTE_RULES, type AttributeContext, type AttributeOutcome } from './attributeRules.ts';
import { decodeMpReach, decodeMpUnreach, type MultiprotocolNlri } from './decodeMultiprotocol.ts';
import { UPDATE_ERROR } from './errorCodes.ts';
import { updateFault, type Refused } from './fault.ts';
import type { ReceivedUpdate } from './message.ts';
import { read16 } from './octets.ts';

/** What path attributes say of routes, and what is wrong with them. */
export interface AttributeFindings {
  readonly ok: true;
  /** How many attributes there are, one that is cut off included. */
  readonly attributes: number;
  /** Null: no such attribute. */
  readonly reach: MultiprotocolNlri | null;
  readonly unreach: MultiprotocolNlri | null;
  /** At most a few, that which decides among them. */
  readonly faults: ReceivedUpdate['faults'];
}

/** Of one message no more faults than these are told. */
const MAX_FAULTS = 4;

/** One attribute: all of it, and what is in it. */
interface Attribute {
  readonly flags: number;
  readonly code: number;
  readonly value: Uint8Array;
  readonly whole: Uint8Array;
}

/** What has been found so far. */
interface Findings {
  readonly context: AttributeContext;
  readonly seen: Set<number>;
  readonly faults: { outcome: AttributeOutcome; text: string }[];
  attributes: number;
  reach: MultiprotocolNlri | null;
  unreach: MultiprotocolNlri | null;
}

/** Reads the path attributes of an UPDATE (RFC 4271 section 4.3) and judges them by RFC 7606. */
export function decodeAttributes(octets: Uint8Array, context: AttributeContext): AttributeFindings | Refused {
  const findings: Findings = { context, seen: new Set(), faults: [], attributes: 0, reach: null, unreach: null };
  for (let offset = 0; offset < octets.length;) {
    const attribute = attributeAt(octets, offset);
    if (attribute === null) {
      if (isMultiprotocol(octets[offset + 1] ?? 0)) {
        return listFault('MP_REACH_NLRI or MP_UNREACH_NLRI ends beyond the attributes');
      }
      findings.attributes += 1;
      // RFC 7606 section 4: the length of all attributes is known, and so is where the routes are.
      note(findings, 'treat-as-withdraw', 'an attribute ends beyond the attributes');
      break;
    }
    const refused = judge(attribute, findings);
    if (refused !== null) return refused;
    offset += attribute.whole.length;
  }
  noteMissing(findings);
  const { attributes, reach, unreach, faults } = findings;
  return { ok: true, attributes, reach, unreach, faults };
}

/** Null: it ends beyond the octets. */
function attributeAt(octets: Uint8Array, offset: number): Attribute | null {
  const flags = octets[offset] ?? 0;
  const isExtended = (flags & EXTENDED_LENGTH_FLAG) !== 0;
  const start = offset + (isExtended ? 4 : 3);
  const end = start + (isExtended ? read16(octets, offset + 2) : (octets[offset + 2] ?? 0));
  if (start > octets.length || end > octets.length) return null;
  return { flags, code: octets[offset + 1] ?? 0, value: octets.subarray(start, end), whole: octets.subarray(offset, end) };
}

function judge(attribute: Attribute, findings: Findings): Refused | null {
  const { code } = attribute;
  findings.attributes += 1;
  if (findings.seen.has(code)) {
    // RFC 7606 section 3 g.
    if (isMultiprotocol(code)) return listFault(`attribute ${code} is there twice`);
    note(findings, 'attribute-discard', `attribute ${code} is there more than once`);
    return null;
  }
  findings.seen.add(code);
  return isMultiprotocol(code) ? judgeMultiprotocol(attribute, findings) : judgeOther(attribute, findings);
}

function judgeMultiprotocol({ flags, code, value, whole }: Attribute, findings: Findings): Refused | null {
  const { options } = findings.context;
  if (!hasFlags(flags, OPTIONAL_NON_TRANSITIVE)) {
    note(findings, 'treat-as-withdraw', `attribute ${code} has flags 0x${flags.toString(16)}`);
  }
  const decode = code === ATTRIBUTE.mpReach ? decodeMpReach : decodeMpUnreach;
  const decoded = decode(value, whole, options);
  if (!decoded.ok) return decoded;
  if (code === ATTRIBUTE.mpReach) findings.reach = decoded;
  else findings.unreach = decoded;
  if (decoded.family === null) note(findings, 'attribute-discard', `${decoded.text} was not negotiated`);
  return null;
}

function judgeOther({ flags, code, value }: Attribute, findings: Findings): null {
  const rule = ATTRIBUTE_RULES.get(code);
  if (rule === undefined) {
    // Optional ones that nobody knows are passed on or dropped (RFC 4271 section 5): here nothing is passed on.
    if ((flags & OPTIONAL_FLAG) === 0) note(findings, 'treat-as-withdraw', `well-known attribute ${code} is unknown`);
    return null;
  }
  if (rule.internalOnly && !findings.context.options.internal) {
    note(findings, 'attribute-discard', `${rule.name} has no place between different ASes`);
    return null;
  }
  if (!hasFlags(flags, rule.flags)) {
    note(findings, rule.flagsOutcome, `${rule.name} has flags 0x${flags.toString(16)}`);
    return null;
  }
  const fault = rule.fault(value, findings.context);
  if (fault !== null) note(findings, rule.outcome, `${rule.name}: ${fault}`);
  return null;
}

/** RFC 7606 section 3 d: routes need ORIGIN and AS_PATH, those in the classic field NEXT_HOP as well. */
function noteMissing(findings: Findings): void {
  const { seen, reach, context: { hasClassicNlri } } = findings;
  if (!hasClassicNlri && (reach?.count ?? 0) === 0) return;
  const mandatory = [ATTRIBUTE.origin, ATTRIBUTE.asPath, ...(hasClassicNlri ? [ATTRIBUTE.nextHop] : [])];
  for (const code of mandatory) {
    if (!seen.has(code)) note(findings, 'treat-as-withdraw', `${ATTRIBUTE_RULES.get(code)?.name ?? code} is missing`);
  }
}

/** Few are kept; the first that means withdrawal is always among them. */
function note({ faults }: Findings, outcome: AttributeOutcome, text: string): void {
  const decides = outcome === 'treat-as-withdraw' && faults.every((fault) => fault.outcome !== outcome);
  if (faults.length < MAX_FAULTS) faults.push({ outcome, text });
  else if (decides) faults.splice(-1, 1, { outcome, text });
}

function hasFlags(flags: number, expected: number): boolean {
  return ((flags ^ expected) & (OPTIONAL_FLAG | TRANSITIVE_FLAG)) === 0;
}

function isMultiprotocol(code: number): boolean {
  return code === ATTRIBUTE.mpReach || code === ATTRIBUTE.mpUnreach;
}

function listFault(text: string): Refused {
  return updateFault(UPDATE_ERROR.malformedAttributeList, text);
}
