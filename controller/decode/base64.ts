const ALPHABET = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Octets of a padded standard base64 text (RFC 4648 section 4); line breaks are skipped as Kubernetes does. Null for
 * anything else: `Buffer.from` alone would take any text and drop what it does not know.
 */
export function decodeBase64(text: string): Buffer | null {
  const compact = text.replaceAll(/[\r\n]/g, '');
  if (compact.length % 4 !== 0 || !ALPHABET.test(compact)) return null;
  return Buffer.from(compact, 'base64');
}
