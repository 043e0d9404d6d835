import { ANY_HOST, parseHostPattern } from '../../../core/net/hostPattern.ts';
import { accept, refuse, type Parsed } from './parsed.ts';

/** A literal DNS name, folded to lower case: what a certificate or SNI can hold. */
export function parseDnsName(text: string): Parsed<string> {
  const name = parseHostPattern(text.trim());
  const fine = name !== null && name !== ANY_HOST && !name.startsWith('*');
  return fine ? accept(name) : refuse('must be a DNS name; addresses, wildcards and nginx variables are not supported');
}
