import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePortTarget } from './portTarget.ts';

const target = { namespace: 'ns', service: 'svc', port: { type: 'number', number: 80 }, acceptProxy: false, sendProxy: false };

for (const [text, expected] of [
  ['ns/svc:80', {}],
  [' ns/svc:80 ', {}],
  ['ns/svc:http', { port: { type: 'name', name: 'http' } }],
  ['ns/svc:80:PROXY', { acceptProxy: true }],
  ['ns/svc:80:proxy:Proxy', { acceptProxy: true, sendProxy: true }],
  ['ns/svc:80::PROXY', { sendProxy: true }],
  ['ns/svc:80::', {}],
] as const) {
  test(`${JSON.stringify(text)} is read`, () => {
    assert.deepEqual(parsePortTarget(text), { ok: true, value: { ...target, ...expected } });
  });
}

for (const text of [
  '', ':', '/', 'ns', 'ns/svc', 'ns/svc:', 'svc:80', '/svc:80', 'ns/:80', 'a/b/c:80', 'ns/svc:0', 'ns/svc:65536', 'ns/svc:99999999999',
  'ns/svc:80:X', 'ns/svc:80:PROXY:PROXY:', 'ns/svc:80:PROXY:PROXY:PROXY', `ns/svc:80:${'PROXY'.repeat(1000)}`,
]) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
    assert.equal(parsePortTarget(text).ok, false);
  });
}
