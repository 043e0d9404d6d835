/** RFC 9113 section 3.4: how a client with prior knowledge of HTTP/2 begins. No HTTP/1.1 request begins with more than `P` or `PR` of it. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** What the first octets of a plain connection are the beginning of; null: more are needed. */
export function cleartextProtocol(octets: Buffer): 'http1' | 'http2' | null {
  const length = Math.min(octets.length, PREFACE.length);
  if (octets.compare(PREFACE, 0, length, 0, length) !== 0) return 'http1';
  return length === PREFACE.length ? 'http2' : null;
}
