import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeExternalName } from './externalName.ts';

test('names and addresses of elsewhere are followed', () => {
  assert.deepEqual(judgeExternalName('Api.Example.test.', false), { type: 'host', host: 'api.example.test' });
  assert.deepEqual(judgeExternalName('192.0.2.7', false), { type: 'host', host: '192.0.2.7' });
  assert.deepEqual(judgeExternalName('2001:db8::7', false), { type: 'host', host: '2001:db8::7' });
});

for (const name of [
  'localhost', 'LOCALHOST.', 'a.localhost', 'localhost.localdomain', 'ip6-localhost', '127.0.0.1', '127.1', '127.0.0.1.', '0x7f000001',
  '0177.0.0.1', '2130706433', '0.0.0.0', '169.254.169.254', '::1', '::', '::ffff:127.0.0.1', '::ffff:169.254.169.254', 'fe80::1',
  'fd00:ec2::254', '100.100.100.200', 'metadata.google.internal', '224.0.0.1', '', 'a b', 'a_b.test/x', 'http://a.test', 'a.test:80', '\u0000',
]) {
  test(`externalName ${JSON.stringify(name)} is refused`, () => {
    assert.equal(judgeExternalName(name, false).type, 'refused');
  });
}

test('where local backends are allowed, names and addresses of this machine are followed too', () => {
  assert.deepEqual(judgeExternalName('localhost', true), { type: 'host', host: 'localhost' });
  assert.deepEqual(judgeExternalName('127.0.0.1', true), { type: 'host', host: '127.0.0.1' });
  assert.equal(judgeExternalName('a b', true).type, 'refused');
});
