import { createSecureContext } from 'node:tls';
import { accept, refuse, type Parsed } from './parsed.ts';

const MAX_LIST_CHARS = 2048;

/** An OpenSSL cipher list (openssl-ciphers(1)) for TLS 1.2 and below that leaves at least one cipher. */
export function parseCipherList(text: string): Parsed<string> {
  const list = text.trim();
  const fine = list.length <= MAX_LIST_CHARS && /^[A-Za-z0-9+:_!@=,.-]+$/.test(list) && isUnderstood(list);
  return fine ? accept(list) : refuse('must be an OpenSSL cipher list with at least one cipher');
}

/** OpenSSL itself is the judge: the proxy hands the list to it. */
function isUnderstood(list: string): boolean {
  try {
    createSecureContext({ ciphers: list, maxVersion: 'TLSv1.2' });
    return true;
  } catch {
    return false;
  }
}
