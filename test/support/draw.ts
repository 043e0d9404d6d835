import assert from 'node:assert/strict';
import type { EchoedRequest } from './backend.ts';
import { exchangeRaw } from './rawClient.ts';
import { readResponses } from './rawResponse.ts';

/** Requests sent one behind the other, many on one connection. */
export interface Draws {
  readonly port: number;
  readonly host: string;
  readonly count: number;
  readonly path?: string;
  /** Field lines without CRLF. */
  readonly fields?: readonly string[];
  /** Loopback address the client has; default 127.0.0.1. */
  readonly from?: string;
}

/** Fewer than the proxy answers on one connection. */
const MOST_AT_ONCE = 500;

/** Who answered each of the requests, in order. All must be answered by echo backends. */
export async function draw(draws: Draws): Promise<string[]> {
  const names: string[] = [];
  while (names.length < draws.count) {
    names.push(...(await drawAtOnce({ ...draws, count: Math.min(MOST_AT_ONCE, draws.count - names.length) })));
  }
  return names;
}

async function drawAtOnce({ port, host, count, path, fields, from }: Draws): Promise<string[]> {
  const request = [`GET ${path ?? '/'} HTTP/1.1`, `Host: ${host}`, ...(fields ?? [])].join('\r\n');
  const octets = Buffer.from(`${request}\r\n\r\n`.repeat(count), 'latin1');
  const received = await exchangeRaw({ port, from: from ?? '127.0.0.1', octets, mode: 'whole' });
  const { responses, rest } = readResponses(received.octets, []);
  assert.equal(rest, '');
  assert.equal(responses.length, count);
  return responses.map(({ status, body }) => {
    assert.equal(status, 200, body);
    return (JSON.parse(body) as EchoedRequest).backend;
  });
}

/** How often each name occurs. */
export function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/**
 * Asserts that `hits` of `draws` fits a probability: within five standard deviations, which a right share misses less
 * than once in a million runs.
 */
export function assertShare(hits: number, draws: number, probability: number): void {
  const deviation = Math.sqrt(draws * probability * (1 - probability));
  const expected = draws * probability;
  assert.ok(Math.abs(hits - expected) <= 5 * deviation, `${hits} of ${draws}, expected ${expected} ± ${(5 * deviation).toFixed(0)}`);
}
