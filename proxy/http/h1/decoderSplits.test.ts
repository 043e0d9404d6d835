import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestLog, responseLog } from './fixture/eventLog.ts';
import { REQUESTS, RESPONSES } from './fixture/messageCorpus.ts';
import { byOctet, inTwo } from './fixture/splittings.ts';

test('requests give the same events whatever point they are split at', () => {
  for (const raw of REQUESTS.map((messages) => Buffer.from(messages.join(''), 'latin1'))) {
    const whole = requestLog([raw]);
    assert.ok(!whole.some((line) => line.startsWith('error')), `${raw.toString('latin1')} ${whole.join('\n')}`);
    for (let at = 0; at <= raw.length; at += 1) assert.deepEqual(requestLog(inTwo(raw, at)), whole);
    assert.deepEqual(requestLog(byOctet(raw)), whole);
  }
});

test('responses give the same events whatever point they are split at', () => {
  for (const { raw: text, methods } of RESPONSES) {
    const raw = Buffer.from(text, 'latin1');
    const whole = responseLog([raw], methods);
    assert.ok(!whole.some((line) => line.startsWith('error')), whole.join('\n'));
    for (let at = 0; at <= raw.length; at += 1) assert.deepEqual(responseLog(inTwo(raw, at), methods), whole);
    assert.deepEqual(responseLog(byOctet(raw), methods), whole);
  }
});

test('a request cut short anywhere ends in an error, one that is whole does not', () => {
  for (const messages of REQUESTS) {
    const raw = Buffer.from(messages.join(''), 'latin1');
    const boundaries = boundariesOf(messages);
    for (let length = 0; length <= raw.length; length += 1) {
      const log = requestLog([raw.subarray(0, length)]);
      const isError = log.at(-1) === 'error 400 connection ended inside a message (RFC 9112 8)';
      assert.equal(isError, !boundaries.has(length), `${length} octets: ${log.join('\n')}`);
    }
  }
});

test('a response cut short anywhere ends in an error, unless the close is its end', () => {
  for (const { raw: text, methods } of RESPONSES) {
    const raw = Buffer.from(text, 'latin1');
    const lastsUntilClose = text.includes('until the');
    for (let length = 1; length < raw.length; length += 1) {
      const log = responseLog([raw.subarray(0, length)], methods);
      const hasFinalHead = log.some((line) => /^head .*"status":(?!10[03])/.test(line));
      const isComplete = (lastsUntilClose && hasFinalHead) || log.includes('end') || text.includes(' 101 ');
      const isError = log.at(-1)?.startsWith('error 502') ?? false;
      if (!hasFinalHead) assert.ok(isError || log.every((line) => line.startsWith('head')), log.join('\n'));
      else assert.equal(isError, !isComplete, log.join('\n'));
    }
  }
});

/** Lengths at which the connection may end. */
function boundariesOf(messages: readonly string[]): Set<number> {
  const boundaries = new Set([0]);
  let length = 0;
  for (const message of messages) boundaries.add((length += message.length));
  return boundaries;
}
