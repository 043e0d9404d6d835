/** A response as a client reads it; octets are latin1 characters. */
export interface RawResponse {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** All that came on a connection until its end. */
export interface ReadResponses {
  /** Final responses in order, and a 101. */
  readonly responses: readonly RawResponse[];
  /** Interim responses, 100 mostly. */
  readonly interim: readonly number[];
  /** What follows a 101, or what is no response: must be empty otherwise. */
  readonly rest: string;
}

/** Splits `octets` into responses to requests with these methods (RFC 9112 section 6.3); further ones answer a GET. */
export function readResponses(octets: string, methods: readonly string[]): ReadResponses {
  const responses: RawResponse[] = [];
  const interim: number[] = [];
  let at = 0;
  while (at < octets.length) {
    const headEnd = octets.indexOf('\r\n\r\n', at);
    const status = Number(/^HTTP\/1\.1 ([1-5][0-9]{2}) /.exec(octets.slice(at, at + 13))?.[1] ?? Number.NaN);
    if (headEnd === -1 || Number.isNaN(status)) break;
    const head = octets.slice(at, headEnd + 2);
    const isInterim = status < 200 && status !== 101;
    const end = isInterim || status === 101 ? headEnd + 4 : bodyEnd(octets, headEnd + 4, { head, status, method: methods[responses.length] ?? 'GET' });
    if (end === null) break;
    if (isInterim) interim.push(status);
    else responses.push({ status, head, body: octets.slice(headEnd + 4, end) });
    at = end;
    if (status === 101) break;
  }
  return { responses, interim, rest: octets.slice(at) };
}

/** Value of a field of a response head; null when there is none. */
export function fieldOf(response: Pick<RawResponse, 'head'>, name: string): string | null {
  return new RegExp(`\r\n${name}: *([^\r\n]*)\r\n`, 'i').exec(response.head)?.[1] ?? null;
}

interface Framed {
  readonly head: string;
  readonly status: number;
  readonly method: string;
}

/** Index behind the body; null when the body is cut short. */
function bodyEnd(octets: string, start: number, { head, status, method }: Framed): number | null {
  if (method === 'HEAD' || status === 204 || status === 304) return start;
  if (fieldOf({ head }, 'transfer-encoding') === 'chunked') return chunkedEnd(octets, start);
  const length = fieldOf({ head }, 'content-length');
  if (length === null) return octets.length;
  return octets.length < start + Number(length) ? null : start + Number(length);
}

function chunkedEnd(octets: string, start: number): number | null {
  let at = start;
  for (;;) {
    const lineEnd = octets.indexOf('\r\n', at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(octets.slice(at, lineEnd), 16);
    if (size === 0) {
      const end = octets.indexOf('\r\n\r\n', lineEnd);
      return end === -1 ? null : end + 4;
    }
    at = lineEnd + 2 + size + 2;
    if (Number.isNaN(size) || at > octets.length) return null;
  }
}
