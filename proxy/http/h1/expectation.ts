import { listMembers } from './listMembers.ts';

/**
 * True when every expectation is 100-continue, once or more often (RFC 9110 section 10.1.1); false for an empty one
 * too.
 */
export function isContinueExpectation(value: string): boolean {
  if (value === '100-continue') return true;
  return listMembers(value.toLowerCase()).every((member) => member === '100-continue');
}
