import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParseValue } from './flag.ts';
import { choice, cidr, duration, headerField, integer, ipAddress, listenAddress, namespacedName, objectName, requestUrl, text } from './values.ts';

/** Texts that are accepted with their value, and texts that are refused. */
interface Table {
  readonly parse: ParseValue<unknown>;
  readonly good: readonly (readonly [string, unknown])[];
  readonly bad: readonly string[];
}

const TABLES: Readonly<Record<string, Table>> = {
  'a duration is seconds unless it names units': {
    parse: duration,
    good: [['300s', 300_000], ['300', 300_000], ['5m', 300_000], ['1m30s', 90_000], ['500ms', 500], ['0', 0], ['24h', 86_400_000]],
    bad: ['', 's', '-1s', '1.5s', '5 m', '5d', '25h', '1s1', '9999999999', '1e3', '٣s'],
  },
  'a listening address is an IP address and a port': {
    parse: listenAddress,
    good: [
      ['127.0.0.1:8080', { address: '127.0.0.1', port: 8080 }],
      ['0.0.0.0:0', { address: '0.0.0.0', port: 0 }],
      [':80', { address: '0.0.0.0', port: 80 }],
      ['*:80', { address: '0.0.0.0', port: 80 }],
      ['localhost:80', { address: '127.0.0.1', port: 80 }],
      ['[::]:443', { address: '::', port: 443 }],
      ['[2001:DB8::1]:443', { address: '2001:db8::1', port: 443 }],
    ],
    bad: ['', '80', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '127.0.0.1:-1', '::1:80', '[::1]', '[127.0.0.1]:80', 'shop.test:80',
      '1.2.3:80', '127.0.0.1:80 ', '127.0.0.01:80', '[fe80::1%eth0]:80', '127.0.0.1:000080'],
  },
  'a CIDR gets its prefix length when it has none': {
    parse: cidr,
    good: [['10.0.0.0/8', '10.0.0.0/8'], ['192.0.2.1', '192.0.2.1/32'], ['2001:db8::/32', '2001:db8::/32'], ['::1', '::1/128'], ['0.0.0.0/0', '0.0.0.0/0']],
    bad: ['', '10.0.0.0/33', '10.0.0.0/', '10/8', '10.0.0.0/8/8', '::/129', '10.0.0.0/-1', '10.0.0.0/8 ', 'fe80::1%eth0/64', 'any'],
  },
  'a whole number keeps to its range': {
    parse: integer(1, 256),
    good: [['1', 1], ['256', 256]],
    bad: ['', '0', '257', '-1', '1.0', '1e2', '0x10', ' 1', '99999999999999999999'],
  },
  'a choice is one of its words': { parse: choice(['json', 'text']), good: [['json', 'json']], bad: ['', 'JSON', 'yaml', 'constructor'] },
  'a text is not empty': { parse: text('a path'), good: [['x', 'x']], bad: [''] },
  'an object name is an RFC 1123 subdomain': {
    parse: objectName,
    good: [['nginx', 'nginx'], ['a.b-c.9', 'a.b-c.9']],
    bad: ['', 'Nginx', '-a', 'a-', 'a_b', 'a/b', 'x'.repeat(254)],
  },
  'a namespaced name has two parts': {
    parse: namespacedName,
    good: [['gatehouse/settings', 'gatehouse/settings']],
    bad: ['', 'settings', '/settings', 'gatehouse/', 'a/b/c'],
  },
  'a header field is a name and a value': {
    parse: headerField,
    good: [['X-Canary: always', ['X-Canary', 'always']], ['a:b:c', ['a', 'b:c']], ['empty:', ['empty', '']]],
    bad: ['', 'x', ': v', 'a b: c', 'a: b\r\nc: d', 'ä: b'],
  },
  'an address is an IP literal': { parse: ipAddress, good: [['192.0.2.1', '192.0.2.1'], ['::1', '::1']], bad: ['', 'localhost', '1.2.3'] },
  'a URL may leave out its scheme': {
    parse: requestUrl,
    good: [['shop.test/cart', 'http://shop.test/cart'], ['https://shop.test', 'https://shop.test']],
    bad: ['', 'ftp://shop.test/', 'http://', 'http://user@shop.test/', 'http://shop.test/a b'],
  },
};

for (const [name, { parse, good, bad }] of Object.entries(TABLES)) {
  test(name, () => {
    for (const [written, value] of good) assert.deepEqual(parse(written), { ok: true, value }, written);
    for (const written of bad) assert.equal(parse(written).ok, false, JSON.stringify(written));
  });
}
