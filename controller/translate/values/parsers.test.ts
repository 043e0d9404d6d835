import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBalance } from './balance.ts';
import { parseBoolean } from './boolean.ts';
import { parseByteSize } from './byteSize.ts';
import { oneOf, oneOfNumbers } from './choice.ts';
import { parseCidrList } from './cidrList.ts';
import { parseCipherList } from './cipherList.ts';
import { parseCommonNamePattern } from './commonNamePattern.ts';
import { parseCookieDomain, parseCookiePath } from './cookieAttribute.ts';
import { parseDnsName } from './dnsName.ts';
import { parseDuration, parseDurationOrZero } from './duration.ts';
import { parseFieldValue } from './fieldValue.ts';
import { parseHashKey } from './hashKey.ts';
import { parseHostHeader } from './hostHeader.ts';
import { integerBetween, parseInteger } from './integer.ts';
import { parseNextUpstream } from './nextUpstream.ts';
import type { ValueParser } from './parsed.ts';
import { parsePathList } from './pathList.ts';
import { parseRedirectUrl } from './redirectUrl.ts';
import { parseSearchPattern } from './searchPattern.ts';
import { parseSecretName } from './secretName.ts';
import { parseTlsVersions } from './tlsVersions.ts';
import { parseCookieName, parseHeaderName } from './token.ts';

/** parser, texts it takes with what they mean, texts it refuses. */
const CASES: readonly (readonly [string, ValueParser<unknown>, readonly (readonly [string, unknown])[], readonly string[]])[] = [
  ['a boolean', parseBoolean, [['true', true], [' T ', true], ['1', true], ['False', false], ['0', false]], ['yes', 'on', 'tRUE', '']],
  ['an integer', parseInteger, [['0', 0], ['-5', -5], ['+7', 7], ['2147483647', 2147483647]], ['2147483648', '1.5', '1e3', '0x10', '10%', '']],
  ['a bounded integer', integerBetween(1, 1000), [['1', 1], ['1000', 1000]], ['0', '1001', '-1', 'one']],
  ['a duration', parseDuration, [['5', 5000], ['90s', 90_000], ['5m', 300_000], ['1h', 3_600_000], ['250ms', 250], ['999999999999', 2_147_483_000]],
    ['0', '0s', '-1', '1.5s', '5 m', 'soon', '5w', '1m30s']],
  ['a duration or zero', parseDurationOrZero, [['0', 0], ['30', 30_000]], ['-1', '']],
  ['a size', parseByteSize, [['0', 0], ['8k', 8192], ['1M', 1_048_576], ['2g', 2_147_483_648]], ['8MB', '-1', '1.5m', '999999999999999g', '']],
  ['a word', oneOf(['None', 'Lax']), [['lax', 'Lax'], [' NONE ', 'None']], ['Strict', '', '__proto__', 'constructor']],
  ['a number of a list', oneOfNumbers([301, 308]), [['308', 308]], ['302', '0x134', '308.0']],
  ['a balancing algorithm', parseBalance, [['round_robin', { type: 'roundRobin' }], ['least_conn', { type: 'leastConnections' }], ['EWMA', { type: 'ewma' }]], ['chash', 'ip_hash']],
  ['a list of CIDRs', parseCidrList, [['10.0.0.0/8', ['10.0.0.0/8']], ['192.0.2.1, 2001:DB8::/32,', ['192.0.2.1/32', '2001:db8::/32']]],
    ['', ',', '10.0.0.0/33', '10.0.0/8', '010.0.0.1', '0x7f.0.0.1', 'fe80::1%eth0', '::/129', 'localhost', '1.2.3.4/ 8']],
  ['a Secret', parseSecretName, [['shop/tls-1.old', { namespace: 'shop', name: 'tls-1.old' }], [' ca ', { namespace: null, name: 'ca' }]],
    ['', '/', 'shop/', '/ca', 'a/b/c', 'Shop/ca', 'shop/c_a', 'sh.op/ca', '../ca', '$x', 'a'.repeat(254)]],
  ['TLS versions', parseTlsVersions,
    [['TLSv1.2', { min: 'TLSv1.2', max: 'TLSv1.2' }], [' TLSv1.3  SSLv3 TLSv1.1', { min: 'TLSv1.1', max: 'TLSv1.3' }], ['TLSv1', { min: 'TLSv1', max: 'TLSv1' }]],
    ['', 'SSLv3', 'TLSv1.4', 'tlsv1.2', 'TLSv1.2,TLSv1.3', 'TLSv1.2 all', '__proto__']],
  ['a cipher list', parseCipherList, [['DEFAULT', 'DEFAULT'], [' HIGH:!aNULL:@STRENGTH ', 'HIGH:!aNULL:@STRENGTH']],
    ['', 'NONE-SUCH', 'HIGH;', 'HIGH\nLOW', '$x', `HIGH${':HIGH'.repeat(1000)}`]],
  ['a URL to be sent to', parseRedirectUrl, [['https://a.test', 'https://a.test'], ['HTTP://a.test:8080/x?y=z#w', 'HTTP://a.test:8080/x?y=z#w']],
    ['', '/x', '@named', 'a.test', 'ftp://a.test', 'javascript:alert(1)', 'https://', 'https://a.test/ x', 'https://a.test\r\nX: y', 'https://$host/', 'https://u:p@a.test', 'https://ä.test', `https://a.test/${'x'.repeat(2048)}`]],
  ['a pattern for a common name', parseCommonNamePattern, [['CN=shop', 'CN=shop'], ['CN=(a|b)\\.test$', 'CN=(a|b)\\.test$']],
    ['', 'CN=', 'shop', 'cn=shop', 'O=x,CN=shop', 'CN=(', `CN=${'x'.repeat(600)}`]],
  ['a DNS name', parseDnsName, [['Backend.Test.', 'backend.test'], ['localhost', 'localhost'], [' a_b.test ', 'a_b.test']],
    ['', '*', '*.a.test', '10.0.0.1', '::1', '$host', 'a.test:80', 'a..b', '~^a']],
  ['a cookie path', parseCookiePath, [['/', '/'], ['/a b', '/a b']], ['', 'a', '/a;b', '/ä', '/\n']],
  ['a cookie domain', parseCookieDomain, [['.Shop.test', 'shop.test']], ['', 'a;b', '..a', 'a b']],
  ['a header value', parseFieldValue, [['x', 'x'], ['a b', 'a b'], ['Always', 'Always']], ['', ' a', 'a ', 'a\nb', 'ä', 'x'.repeat(1025)]],
  ['a Host header', parseHostHeader, [['Shop.test', 'shop.test'], ['a.test:8080', 'a.test:8080'], ['10.0.0.1:80', '10.0.0.1:80']],
    ['', '$host', 'a.test:0', 'a.test:65536', 'a b', 'a.test:80:80', 'a.test\r\nX: y', 'http://a.test', 'a.test/x']],
  ['a header name', parseHeaderName, [['X-Canary', 'x-canary']], ['', 'a b', 'a:', 'ä', 'x'.repeat(257)]],
  ['a cookie name', parseCookieName, [['Session_1', 'Session_1']], ['', 'a=b', 'a;b', 'a b']],
  ['a path list', parsePathList, [['', []], ['/a, /b', ['/a', '/b']]], ['a', '/a b', Array.from({ length: 65 }, () => '/x').join(',')]],
  ['a hash key', parseHashKey,
    [
      ['$request_uri', [{ type: 'requestUri' }]],
      ['${HOST}-$http_X_User', [{ type: 'host' }, { type: 'text', value: '-' }, { type: 'header', name: 'x-user' }]],
      ['$cookie_SID$arg_id', [{ type: 'cookie', name: 'sid' }, { type: 'query', name: 'id' }]],
      ['$binary_remote_addr$request_method$scheme$uri', [{ type: 'remoteAddress' }, { type: 'method' }, { type: 'scheme' }, { type: 'path' }]],
    ],
    ['', 'text', '$', '$nope', '${host', '$http_', 'a$$host', '$host'.repeat(17), 'x'.repeat(513)]],
  ['a search pattern', parseSearchPattern, [['^beta-[0-9]+$', '^beta-[0-9]+$'], ['(a+)+$', '(a+)+$']],
    ['(', '(?=a)', '(a)\\1', 'a{1001}', '(a{1,100}){1,100}', '(?:a{1,30}){30}(?:a{1,30}){30}', 'a'.repeat(513)]],
  ['retry conditions', parseNextUpstream,
    [
      ['error http_503  http_404 non_idempotent', { error: true, timeout: false, invalidHeader: false, statuses: [404, 503], nonIdempotent: true }],
      ['off error', { error: false, timeout: false, invalidHeader: false, statuses: [], nonIdempotent: false }],
    ],
    ['', 'http_501', 'error,timeout', 'Error']],
];

for (const [name, parse, good, bad] of CASES) {
  test(`${name} is read from its texts and from no others`, () => {
    for (const [text, value] of good) assert.deepEqual(parse(text), { ok: true, value }, JSON.stringify(text));
    for (const text of bad) {
      const parsed = parse(text);
      assert.ok(!parsed.ok && parsed.rule.startsWith('must '), JSON.stringify(text));
    }
  });
}
