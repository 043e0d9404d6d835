import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ANNOUNCER_FLAGS, announcerSettings } from './announcerFlags.ts';
import { regularExpression } from './values.ts';

const DEFAULTS = {
  membershipPort: 7946, membershipKeyFile: null, quorum: false, excludedInterfaces: ['^lo$'], gratuitousInterval: 60_000, markBit: 21,
  routeTable: 7946, setSysctls: false,
};

function fileWith(t: TestContext, content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'key');
  writeFileSync(path, content);
  return path;
}

test('flags become settings; a bit becomes a mark', () => {
  assert.deepEqual(announcerSettings(DEFAULTS, 'node-a'), {
    nodeName: 'node-a', membershipPort: 7946, membershipKey: null, quorum: false, excludedInterfaces: ['^lo$'], gratuitousIntervalMs: 60_000,
    mark: 0x20_0000, routeTable: 7946, setSysctls: false,
  });
  assert.equal(announcerSettings({ ...DEFAULTS, markBit: 31 }, 'a').mark, 0x8000_0000);
});

test('a key is read as it is, but for line ends that editors add', (t) => {
  const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
  for (const end of ['', '\n', '\r\n']) {
    const settings = announcerSettings({ ...DEFAULTS, membershipKeyFile: fileWith(t, Buffer.concat([key, Buffer.from(end)])) }, 'a');
    assert.equal(settings.membershipKey, key.toString('base64'));
  }
});

test('lines of text are a key each, the first to send with; other octets are one key, whatever is among them', (t) => {
  const read = (content: string | Buffer) => announcerSettings({ ...DEFAULTS, membershipKeyFile: fileWith(t, content) }, 'a').membershipKey;
  const [first, second] = ['0123456789abcdef0123', 'fedcba9876543210fedc'];
  const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
  assert.equal(read(`${first}\n${second}\n`), `${base64(first)} ${base64(second)}`);
  assert.equal(read(`${first}\r\n\r\n${second}`), `${base64(first)} ${base64(second)}`);
  const binary = Buffer.from([...Buffer.from(first), 0x0a, 0xff, ...Buffer.from(second)]);
  assert.equal(read(binary), base64(binary));
  assert.equal(read(`${second}\nbase64:${base64(binary)}\n`), `${base64(second)} ${base64(binary)}`);
  assert.throws(() => read(`${first}\nshort\n`), /16 to 4096 octets in each line; it holds 5$/);
  assert.throws(() => read(`${first}\n`.repeat(5)), /at most 4 keys; it holds 5$/);
});

test('a key that is too short or too long is refused by its length, and not shown', (t) => {
  for (const [content, length] of [['secret', 6], ['x'.repeat(5000), 5000]] as const) {
    const path = fileWith(t, content);
    assert.throws(() => announcerSettings({ ...DEFAULTS, membershipKeyFile: path }, 'a'), (error: Error) => {
      assert.match(error.message, new RegExp(`--membership-key-file: .* must hold 16 to 4096 octets; it holds ${length}$`));
      return !error.message.includes(content);
    });
  }
});

test('a key file that is not there is an error that names it', () => {
  assert.throws(() => announcerSettings({ ...DEFAULTS, membershipKeyFile: '/nowhere/key' }, 'a'), /\/nowhere\/key/);
});

test('excluded interfaces are regular expressions that never take long', () => {
  assert.equal(regularExpression('^(a+)+$').ok, true);
  for (const bad of ['', '(', '(?=a)', '[', 'x'.repeat(257)]) assert.equal(regularExpression(bad).ok, false, bad);
  assert.ok(ANNOUNCER_FLAGS.excludedInterfaces);
});
