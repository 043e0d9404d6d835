/** A request as an independent reader of RFC 9112 sees it; octets are latin1 characters. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** name, value pairs in order; values without the whitespace around them. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/** What stands at the start of some octets: a whole request and its length, not enough yet, or nothing a sender may send. */
export type Reading =
  | { readonly type: 'request'; readonly request: RawRequest; readonly bytes: number }
  | { readonly type: 'incomplete' }
  | { readonly type: 'violation'; readonly detail: string };

/** What a reader lets pass. A backend lets nothing pass; `lenient` reads what clients may send and a proxy must clean. */
export interface Reader {
  readonly lenient: boolean;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([!-~]+) HTTP/1\\.[01]$`);
const FIELD_LINE = new RegExp(`^(${TOKEN}):([\\t -~\\x80-\\xff]*)$`);
const INCOMPLETE = { type: 'incomplete' } as const;

type Fields = readonly (readonly [string, string])[];

class Violation extends Error {}

/** Reads the first request of `octets`. Shares no code with the proxy: it is the second opinion. */
export function readRequest(octets: string, reader: Reader): Reading {
  try {
    return readFrom(octets, reader);
  } catch (error) {
    if (error instanceof Violation) return { type: 'violation', detail: error.message };
    throw error;
  }
}

/** Values of all lines of a field, in order. */
export function valuesOf(fields: Fields, lowerName: string): string[] {
  return fields.filter(([name]) => name.toLowerCase() === lowerName).map(([, value]) => value);
}

function readFrom(octets: string, reader: Reader): Reading {
  const start = reader.lenient ? (/^(?:\r\n)*/.exec(octets)?.[0].length ?? 0) : 0;
  const headEnd = octets.indexOf('\r\n\r\n', start);
  if (headEnd === -1) return INCOMPLETE;
  const [line = '', ...fieldLines] = octets.slice(start, headEnd).split('\r\n');
  const [, method = '', target = ''] = REQUEST_LINE.exec(line) ?? violate('request line', line);
  const fields = readFields(fieldLines);
  const bodyStart = headEnd + 4;
  const length = bodyLength(fields);
  if (length === 'chunked') return readChunked({ octets, bodyStart, head: { method, target, fields } }, reader);
  if (octets.length < bodyStart + length) return INCOMPLETE;
  const body = octets.slice(bodyStart, bodyStart + length);
  return { type: 'request', request: { method, target, fields, body, trailers: [] }, bytes: bodyStart + length };
}

function readFields(lines: readonly string[]): Fields {
  return lines.map((line) => {
    const [, name = '', value = ''] = FIELD_LINE.exec(line) ?? violate('field line', line);
    return [name, value.replace(/^[\t ]+|[\t ]+$/g, '')] as const;
  });
}

/** Nothing that two readers could read differently is taken (RFC 9112 section 6.3). */
function bodyLength(fields: Fields): number | 'chunked' {
  const codings = valuesOf(fields, 'transfer-encoding');
  const lengths = valuesOf(fields, 'content-length');
  if (codings.length > 0) {
    if (lengths.length > 0) violate('framing', 'Transfer-Encoding beside Content-Length');
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') violate('framing', codings.join(' | '));
    return 'chunked';
  }
  const [length = '0', ...more] = lengths;
  if (more.length > 0 || !/^(?:0|[1-9][0-9]{0,14})$/.test(length)) violate('framing', lengths.join(' | '));
  return Number(length);
}

interface ChunkedMessage {
  readonly octets: string;
  readonly bodyStart: number;
  readonly head: Pick<RawRequest, 'method' | 'target' | 'fields'>;
}

function readChunked({ octets, bodyStart, head }: ChunkedMessage, { lenient }: Reader): Reading {
  const sizeLine = lenient ? /^([0-9A-Fa-f]+)(?:[\t ]*;[^\r\n]*)?$/ : /^([0-9A-Fa-f]+)$/;
  let at = bodyStart;
  let body = '';
  for (;;) {
    const lineEnd = octets.indexOf('\r\n', at);
    if (lineEnd === -1) return INCOMPLETE;
    const line = octets.slice(at, lineEnd);
    const size = Number.parseInt((sizeLine.exec(line) ?? violate('chunk size', line))[1] ?? '', 16);
    at = lineEnd + 2;
    if (size === 0) return readTrailers({ octets, bodyStart: at, head }, body);
    if (octets.length < at + size + 2) return INCOMPLETE;
    if (octets.slice(at + size, at + size + 2) !== '\r\n') violate('chunk end', octets.slice(at + size, at + size + 2));
    body += octets.slice(at, at + size);
    at += size + 2;
  }
}

function readTrailers({ octets, bodyStart: at, head }: ChunkedMessage, body: string): Reading {
  if (octets.startsWith('\r\n', at)) return { type: 'request', request: { ...head, body, trailers: [] }, bytes: at + 2 };
  const end = octets.indexOf('\r\n\r\n', at);
  if (end === -1) return INCOMPLETE;
  const trailers = readFields(octets.slice(at, end).split('\r\n'));
  return { type: 'request', request: { ...head, body, trailers }, bytes: end + 4 };
}

function violate(what: string, octets: string): never {
  throw new Violation(`${what}: ${JSON.stringify(octets.slice(0, 200))}`);
}
