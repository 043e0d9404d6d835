/** Why a session is as it is: RFC 5880 section 4.1, by code. */
export const DIAGNOSTICS = [
  'No Diagnostic',
  'Control Detection Time Expired',
  'Echo Function Failed',
  'Neighbor Signaled Session Down',
  'Forwarding Plane Reset',
  'Path Down',
  'Concatenated Path Down',
  'Administratively Down',
  'Reverse Concatenated Path Down',
] as const;

/** A diagnostic this side may send. */
export type Diagnostic = (typeof DIAGNOSTICS)[number];

/** Words for a code of 0 to 31, of which 9 to 31 are reserved. */
export function printDiagnostic(code: number): string {
  return DIAGNOSTICS[code] ?? `Diagnostic ${code}`;
}

/** The code of a diagnostic. */
export function diagnosticCode(diagnostic: Diagnostic): number {
  return DIAGNOSTICS.indexOf(diagnostic);
}
