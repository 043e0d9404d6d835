import { encodeChunkHeader } from '../../proxy/http/h1/encodeChunk.ts';
import { encodeRequestHead, encodeResponseHead } from '../../proxy/http/h1/encodeHead.ts';
import type { RequestHeadEvent, ResponseHeadEvent } from '../../proxy/http/h1/events.ts';
import { stripHopByHop } from '../../proxy/http/h1/hopByHop.ts';
import { RequestDecoder } from '../../proxy/http/h1/requestDecoder.ts';
import { ResponseDecoder } from '../../proxy/http/h1/responseDecoder.ts';

/**
 * Cost of the HTTP/1.1 codec without sockets: ns per head and per chunk, median of several rounds.
 * Run: `npm exec -- node bench/micro/h1Codec.ts` (or with the pinned Node of node_modules/.bin).
 */
const LIMITS = { requestLineBytes: 8192, fieldLineBytes: 8192, headerBytes: 65_536, headerCount: 100 };
const ROUNDS = 9;
const PER_ROUND = 50_000;

const SMALL_REQUEST = Buffer.from('GET /shop/cart?item=42 HTTP/1.1\r\nHost: shop.test\r\n\r\n');
const BROWSER_REQUEST = Buffer.from(
  [
    'GET /assets/app.js?v=20 HTTP/1.1',
    'Host: shop.test',
    'Connection: keep-alive',
    'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
    'sec-ch-ua-mobile: ?0',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    'sec-ch-ua-platform: "Linux"',
    'Accept: */*',
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-Mode: no-cors',
    'Sec-Fetch-Dest: script',
    'Referer: https://shop.test/',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en-GB,en;q=0.9',
    'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1',
    '',
    '',
  ].join('\r\n'),
);
const RESPONSE = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n' +
    'Server: demo\r\nContent-Length: 12\r\n\r\nhello, world',
);
const CHUNKED_HEAD = Buffer.from('POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n');
const CHUNKS_PER_BUFFER = 16;
const CHUNKS = Buffer.from(`400\r\n${'x'.repeat(1024)}\r\n`.repeat(CHUNKS_PER_BUFFER));

function medianNs(operations: number, run: () => void): number {
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.hrtime.bigint();
    run();
    samples.push(Number(process.hrtime.bigint() - start) / operations);
  }
  samples.sort((left, right) => left - right);
  return samples[ROUNDS >> 1] ?? NaN;
}

function decodeRequests(octets: Buffer): () => void {
  const decoder = new RequestDecoder(LIMITS);
  return () => {
    for (let index = 0; index < PER_ROUND; index += 1) {
      decoder.push(octets);
      while (decoder.next() !== null);
    }
  };
}

function decodeResponses(): void {
  const decoder = new ResponseDecoder(LIMITS);
  for (let index = 0; index < PER_ROUND; index += 1) {
    decoder.expect('GET');
    decoder.push(RESPONSE);
    while (decoder.next() !== null);
  }
}

function decodeByOctet(octets: Buffer, times: number): () => void {
  const pieces = Array.from(octets, (octet) => Buffer.of(octet));
  const decoder = new RequestDecoder(LIMITS);
  return () => {
    for (let index = 0; index < times; index += 1) {
      for (const piece of pieces) {
        decoder.push(piece);
        while (decoder.next() !== null);
      }
    }
  };
}

function decodeChunks(): void {
  const decoder = new RequestDecoder(LIMITS);
  decoder.push(CHUNKED_HEAD);
  for (let index = 0; index < PER_ROUND / CHUNKS_PER_BUFFER; index += 1) {
    decoder.push(CHUNKS);
    while (decoder.next() !== null);
  }
}

function firstHead(): RequestHeadEvent {
  const decoder = new RequestDecoder(LIMITS);
  decoder.push(BROWSER_REQUEST);
  const event = decoder.next();
  if (event?.type !== 'head') throw new Error('the bench request is not valid');
  stripHopByHop(event.fields);
  return event;
}

function firstResponse(): ResponseHeadEvent {
  const decoder = new ResponseDecoder(LIMITS);
  decoder.expect('GET');
  decoder.push(RESPONSE);
  const event = decoder.next();
  if (event?.type !== 'head') throw new Error('the bench response is not valid');
  stripHopByHop(event.fields);
  return event;
}

function repeat(run: () => unknown): () => void {
  return () => {
    for (let index = 0; index < PER_ROUND; index += 1) sink = run();
  };
}

/** Keeps results alive, so that the engine cannot leave the work out. */
let sink: unknown;
const { method, target, authority, fields } = firstHead();
const noBody = { type: 'none' } as const;
const request = { method, target, authority, fields, sharedFields: null, framing: noBody, upgrade: null, expectsContinue: false };
const { status, reason, fields: responseFields } = firstResponse();
const twelve = { type: 'length', bytes: 12 } as const;
const response = { status, reason, fields: responseFields, framing: twelve, keepAlive: true, upgrade: null };

const rows: readonly (readonly [string, number, () => void])[] = [
  [`decode request head, ${SMALL_REQUEST.length} octets`, PER_ROUND, decodeRequests(SMALL_REQUEST)],
  [`decode request head, ${BROWSER_REQUEST.length} octets`, PER_ROUND, decodeRequests(BROWSER_REQUEST)],
  ['the same, one octet per push', PER_ROUND / 50, decodeByOctet(BROWSER_REQUEST, PER_ROUND / 50)],
  ['decode response with body, 4 fields', PER_ROUND, decodeResponses],
  ['decode chunk of 1 KiB', PER_ROUND, decodeChunks],
  ['strip hop-by-hop, 14 fields', PER_ROUND, repeat(() => stripHopByHop(fields))],
  ['encode request head, 13 fields', PER_ROUND, repeat(() => Buffer.from(encodeRequestHead(request), 'latin1'))],
  ['encode response head, 3 fields', PER_ROUND, repeat(() => Buffer.from(encodeResponseHead(response), 'latin1'))],
  ['encode chunk header', PER_ROUND, repeat(() => encodeChunkHeader(65_536))],
];
for (const [name, operations, run] of rows) {
  console.log(`${name.padEnd(40)} ${medianNs(operations, run).toFixed(0).padStart(8)} ns`);
}
if (sink === undefined) throw new Error('nothing was encoded');
