import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { emptyDraft } from './exchangeRecord.ts';
import { NO_ROUTE } from './routeSubject.ts';
import { createTextLine } from './textLine.ts';
import { printed, testRecord, testSubject, testTry } from './testRecord.ts';

before(() => {
  process.env['TZ'] = 'UTC';
});

/** One line of the default format, each field in a group; the only place where its grammar is spelled out. */
const LINE = new RegExp(
  [
    /^(\S+) - (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}) (\d+) "([^"]*)" "([^"]*)" (\d+) (\d+\.\d{3}) /,
    /\[([^\]]*)\] \[([^\]]*)\] (-|\S+(?:, \S+)*) (-|\d+(?:, \d+)*) ([\d.-]+(?:, [\d.-]+)*) ([\d-]+(?:, [\d-]+)*) (\S+)\n$/,
  ]
    .map((part) => part.source)
    .join(''),
);

test('a plain request is printed as nginx prints it with the default format', () => {
  assert.equal(
    printed(createTextLine(), testRecord()),
    '192.0.2.1 - - [21/Nov/2026:00:09:48 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/7.88.1" 80 0.004 ' +
      '[shop-web-80] [] 10.0.0.1:8080 5 0.004 200 4a8a8f1c934fc687c4af9a48b81fb872\n',
  );
});

test('values of several tries are joined by a comma and a space, a failed one carries the status nginx gives it', () => {
  const refused = testTry({ status: null, error: 'connectFailed', responseLength: 0, responseTimeMs: 0, connectMs: null });
  const slow = testTry({ status: null, error: 'readTimeout', responseLength: 0, responseTimeMs: 60_000 });
  const endpoint = { host: 'fd00::1', port: 80, weight: 1, state: 'ready' } as const;
  const line = printed(createTextLine(), testRecord({ tries: [refused, slow, testTry({ endpoint, responseTimeMs: null })] }));
  assert.ok(line.includes(' 10.0.0.1:8080, 10.0.0.1:8080, [fd00::1]:80 0, 0, 5 0.000, 60.000, - 502, 504, 200 '), line);
});

test('the canary that was chosen stands in the second brackets', () => {
  const line = printed(createTextLine(), testRecord({ subject: testSubject({ canary: 'shop-web-next-80' }) }));
  assert.ok(line.includes(' [shop-web-80] [shop-web-next-80] '), line);
});

test('an answer of the proxy itself has dashes for the upstream and keeps the upstream name of its rule', () => {
  const line = printed(
    createTextLine(),
    testRecord({ status: 308, bodyBytesSent: 171, tries: [], answeredBy: 'redirect', referer: '', userAgent: null }),
  );
  assert.ok(line.endsWith('"GET /a HTTP/1.1" 308 171 "" "-" 80 0.004 [shop-web-80] [] - - - - 4a8a8f1c934fc687c4af9a48b81fb872\n'));
});

test('octets that never became a request still make one whole line', () => {
  const draft = emptyDraft('2001:db8::7', 'https');
  draft.status = 400;
  assert.equal(
    printed(createTextLine(), draft),
    '2001:db8::7 - - [01/Jan/1970:00:00:00 +0000] "-" 400 0 "-" "-" 0 0.000 [] [] - - - - -\n',
  );
  assert.equal(draft.subject, NO_ROUTE);
});

test('no field that a client or an object can fill forges a field or a line', () => {
  const hostile = 'x" 200 0 "-" "\r\n10.9.9.9 - - [now] "GET /forged HTTP/1.1" \\\u0000\u001b[2J\u009b\u00ff ] [';
  const line = printed(
    createTextLine(),
    testRecord({
      remoteUser: hostile.replaceAll(' ', '_'),
      method: hostile,
      target: hostile,
      protocol: hostile,
      referer: hostile,
      userAgent: hostile,
    }),
  );
  assert.equal(line.indexOf('\n'), line.length - 1, 'one line feed, at the end');
  assert.match(line, /^[ -~]*\n$/);
  const fields = LINE.exec(line);
  assert.ok(fields, line);
  assert.equal(fields[5], '200');
  assert.equal(fields[8], fields[7]);
  assert.equal(fields[17], '4a8a8f1c934fc687c4af9a48b81fb872');
});

test('every kind of record matches the grammar of the line', () => {
  for (const record of [
    testRecord(),
    testRecord({ tries: [] }),
    testRecord({ tries: [testTry(), testTry({ status: null, error: 'reset', responseTimeMs: null })] }),
    testRecord({ subject: NO_ROUTE, status: 404, answeredBy: 'noHost', tries: [] }),
    emptyDraft('192.0.2.1', 'http'),
  ]) {
    record.status = Math.max(record.status, 100);
    assert.match(printed(createTextLine(), record), LINE);
  }
});
