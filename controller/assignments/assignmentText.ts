import { parseIpAddress, printIpAddress } from '../../core/net/ipAddress.ts';
import type { Assignments, ServiceAssignment } from '../allocator/assignment.ts';
import { compareText } from '../translate/ingressAge.ts';

/** Form of the file; a reader refuses any other. */
const VERSION = 1;

/** Longest texts that are taken from a file; Kubernetes' names are shorter (a namespace, a slash, a name). */
const MAX_NAME_CHARS = 320;
const MAX_TERMS_CHARS = 64;

/** Assignments, or what is wrong with the text. */
export type ReadAssignments =
  { readonly ok: true; readonly assignments: Assignments } | { readonly ok: false; readonly rule: string };

/** JSON with a line for each Service, in order of their names: the same assignments give the same text. */
export function printAssignments(assignments: Assignments): string {
  const sorted = [...assignments].toSorted(([a], [b]) => compareText(a, b));
  const lines = sorted.map(([service, { addresses, pool, sharingTerms }]) =>
    JSON.stringify({ service, addresses, pool, sharingTerms }),
  );
  return `{"version":${VERSION},"services":[${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n`}]}\n`;
}

/** Reads what `printAssignments` wrote; anything else is refused as a whole. */
export function readAssignments(text: string): ReadAssignments {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, rule: 'must be JSON' };
  }
  const file = mapOf(value);
  if (file?.get('version') !== VERSION) return { ok: false, rule: `must be of version ${VERSION}` };
  const services = file.get('services');
  if (!Array.isArray(services)) return { ok: false, rule: 'must have a list of services' };
  const assignments = new Map<string, ServiceAssignment>();
  for (const [index, entry] of services.entries()) {
    const fields = mapOf(entry);
    const service = fields?.get('service');
    const assignment = fields === null ? null : assignmentOf(fields);
    if (!isName(service) || assignment === null)
      return { ok: false, rule: `entry ${index} must be a Service with its addresses` };
    assignments.set(service, assignment);
  }
  return { ok: true, assignments };
}

function assignmentOf(fields: ReadonlyMap<string, unknown>): ServiceAssignment | null {
  const pool = fields.get('pool');
  const sharingTerms = fields.get('sharingTerms');
  const listed = fields.get('addresses');
  const addresses = Array.isArray(listed) && listed.length <= 2 ? listed.filter(isCanonical) : [];
  if (!isName(pool) || addresses.length === 0 || !Array.isArray(listed) || addresses.length < listed.length)
    return null;
  if (sharingTerms === undefined) return { addresses, pool };
  return typeof sharingTerms === 'string' && sharingTerms.length <= MAX_TERMS_CHARS
    ? { addresses, pool, sharingTerms }
    : null;
}

function isCanonical(text: unknown): text is string {
  const address = typeof text === 'string' ? parseIpAddress(text) : null;
  return address !== null && printIpAddress(address) === text;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARS;
}

/** Own fields of a JSON object; null for anything else. */
function mapOf(value: unknown): ReadonlyMap<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : null;
}
