import { accept, refuse, type Parsed } from './parsed.ts';

/** In ascending order. */
const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
const OBSOLETE: ReadonlySet<string> = new Set(['SSLv2', 'SSLv3']);

export type TlsVersion = (typeof VERSIONS)[number];

/** Lowest and highest version of a connection, both included. */
export interface TlsVersions {
  readonly min: TlsVersion;
  readonly max: TlsVersion;
}

/**
 * TLS versions between spaces, as nginx names them; the lowest and the highest count, whatever stands between. SSLv2 and
 * SSLv3 are passed over, as no TLS library of today speaks them.
 */
export function parseTlsVersions(text: string): Parsed<TlsVersions> {
  const words = new Set(text.trim().split(/\s+/));
  const named = VERSIONS.filter((version) => words.has(version));
  const [min] = named;
  const max = named.at(-1);
  const unknown = [...words].some((word) => !OBSOLETE.has(word) && !VERSIONS.some((version) => version === word));
  if (min === undefined || max === undefined || unknown) return refuse(`must be some of ${VERSIONS.join(', ')} between spaces`);
  return accept({ min, max });
}
