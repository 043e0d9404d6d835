import type { ErrorEvent, H1Error } from './events.ts';

/**
 * Everything a peer can break, with the answer it gets when it is a client. Constants: refusing costs no allocation.
 */
export const H1_ERRORS = {
  bareLineFeed: refusal(400, 'line ended by LF alone (RFC 9112 2.2)'),
  bareCarriageReturn: refusal(400, 'CR not followed by LF (RFC 9112 2.2)'),
  method: refusal(400, 'method is no token (RFC 9110 9.1)'),
  methodLength: refusal(501, 'method longer than any known one (RFC 9112 3)'),
  methodForbidden: refusal(501, 'TRACE and CONNECT are not served (RFC 9110 9.3.6, 9.3.8)'),
  requestLine: refusal(400, 'request line off the grammar (RFC 9112 3)'),
  requestLineLength: refusal(414, 'request line too long (RFC 9112 3)'),
  target: refusal(400, 'invalid request target (RFC 9112 3.2)'),
  versionSyntax: refusal(400, 'invalid HTTP version (RFC 9112 2.3)'),
  versionUnknown: refusal(505, 'HTTP version is not 1.0 or 1.1 (RFC 9110 15.6.6)'),
  leadingLines: refusal(400, 'too many empty lines before the request line (RFC 9112 2.2)'),
  statusLine: refusal(400, 'status line off the grammar (RFC 9112 4)'),
  statusLineLength: refusal(400, 'status line too long (RFC 9112 4)'),
  fieldName: refusal(400, 'invalid field name (RFC 9112 5)'),
  fieldNameSpace: refusal(400, 'whitespace between field name and colon (RFC 9112 5.1)'),
  fieldFold: refusal(400, 'line folding, or whitespace before a field line (RFC 9112 2.2, 5.2)'),
  fieldValue: refusal(400, 'invalid octet in a field value (RFC 9110 5.5)'),
  fieldLineLength: refusal(431, 'field line too long (RFC 6585 5)'),
  headerBytes: refusal(431, 'field lines too long together (RFC 6585 5)'),
  headerCount: refusal(431, 'too many field lines (RFC 6585 5)'),
  hostMissing: refusal(400, 'no Host in HTTP/1.1 (RFC 9112 3.2)'),
  hostRepeated: refusal(400, 'more than one Host (RFC 9112 3.2)'),
  hostInvalid: refusal(400, 'invalid Host (RFC 9110 7.2)'),
  contentLength: refusal(400, 'invalid Content-Length (RFC 9112 6.3)'),
  contentLengthRepeated: refusal(400, 'more than one Content-Length (RFC 9112 6.3)'),
  lengthAndCoding: refusal(400, 'Content-Length beside Transfer-Encoding (RFC 9112 6.1)'),
  codingInHttp10: refusal(400, 'Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)'),
  codingInvalid: refusal(400, 'Transfer-Encoding does not end in one chunked (RFC 9112 6.3)'),
  codingUnknown: refusal(501, 'transfer coding other than chunked (RFC 9112 6.1)'),
  expectation: refusal(417, 'expectation other than 100-continue (RFC 9110 10.1.1)'),
  upgradeWithBody: refusal(400, 'WebSocket handshake with a body (RFC 6455 4.1)'),
  chunkSize: refusal(400, 'invalid chunk size (RFC 9112 7.1)'),
  chunkSizeRange: refusal(400, 'chunk size out of range (RFC 9112 7.1)'),
  chunkExtension: refusal(400, 'invalid chunk extension (RFC 9112 7.1.1)'),
  chunkExtensionBytes: refusal(400, 'chunk extensions too long together (RFC 9112 7.1.1)'),
  chunkEnd: refusal(400, 'chunk data not followed by CRLF (RFC 9112 7.1)'),
  informationalCount: refusal(400, 'too many 1xx responses (RFC 9110 15.2)'),
  unrequested: refusal(400, 'octets before the request they should answer (RFC 9112 9.2)'),
  truncated: refusal(400, 'connection ended inside a message (RFC 9112 8)'),
} as const satisfies Record<string, H1Error>;

/** Wraps an error for the event stream of a request. */
export function errorEvent(error: H1Error): ErrorEvent {
  return { type: 'error', error };
}

/**
 * The same for a response, where the client that waits for it gets 502 (RFC 9110 section 15.6.3) whatever the backend
 * broke.
 */
export function responseErrorEvent(error: H1Error): ErrorEvent {
  return { type: 'error', error: { status: 502, detail: error.detail } };
}

function refusal(status: number, detail: string): H1Error {
  return Object.freeze({ status, detail });
}
