/** Paths without any of these are compared as they are. */
const ODD = /%|\/\/|\/\.|[^\x20-\x7e]/;

/**
 * The one spelling of a rule's path among all that the proxy takes for the same: UTF-8 octets, percent-encoding decoded
 * once, `//` merged, `.` and `..` resolved. Claims are compared by it, so that `/%61dmin` cannot be laid over another
 * Ingress's `/admin`. A path that no URL can spell stays as written. Octets are latin1 characters.
 */
export function canonicalPath(path: string): string {
  if (!ODD.test(path)) return path;
  const octets = Buffer.from(path, 'utf8').toString('latin1');
  if (/%(?![0-9a-fA-F]{2})/.test(octets)) return octets;
  const decoded = octets.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return resolveSegments(decoded) ?? octets;
}

/** Null for a climb above the root. */
function resolveSegments(path: string): string | null {
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') kept.push(segment);
    else if (kept.pop() === undefined) return null;
  }
  const isFolder = ['', '.', '..'].includes(segments.at(-1) ?? '') && kept.length > 0;
  return `/${kept.join('/')}${isFolder ? '/' : ''}`;
}
