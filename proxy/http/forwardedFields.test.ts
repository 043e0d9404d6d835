import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForwardedHeaders } from '../../core/ir/settings.ts';
import type { ClientConnection, RequestHead } from './exchange.ts';
import { Fields } from './fields.ts';
import { ForwardedFields } from './forwardedFields.ts';

interface Asked {
  readonly fields?: readonly (readonly [string, string])[];
  readonly peer?: string;
  readonly scheme?: 'http' | 'https';
  readonly host?: string | null;
}

/** What a backend gets of those fields: lower-case name → values, and the authority. */
function upstream(settings: Partial<ForwardedHeaders>, { fields = [], peer = '198.51.100.7', scheme = 'http', host = null }: Asked): Map<string, string[]> {
  const received = new Fields();
  for (const [name, value] of fields) received.append(name, name.toLowerCase(), value);
  const head: RequestHead = {
    method: 'GET',
    scheme,
    authority: 'gw.test:8080',
    target: '/',
    fields: received,
    bodyLength: 0,
    upgrade: null,
    expectsContinue: false,
    protocol: 'HTTP/1.1',
  };
  const client: ClientConnection = { remoteAddress: peer, remotePort: 4711, localAddress: '192.0.2.1', localPort: 8080, tls: null };
  const forwarded = new ForwardedFields({ trustedCidrs: [], appendForwardedFor: false, ...settings });
  const identity = forwarded.identify(head, client);
  const sent = forwarded.upstreamHead(head, client, { identity, requestId: 'id', host, clientAuth: null });
  const values = new Map<string, string[]>([['authority', [sent.authority]]]);
  for (const part of [sent.fields, sent.sharedFields]) {
    part?.forEach((_name, lowerName, value) => {
      values.set(lowerName, [...(values.get(lowerName) ?? []), value]);
    });
  }
  return values;
}

const TRUSTED = { trustedCidrs: ['10.0.0.0/8', '198.51.100.7', '2001:db8::/32'] };

test('a backend gets the proxy’s own word about the client', () => {
  assert.deepEqual(
    upstream({}, { fields: [['Accept', '*/*']] }),
    new Map([
      ['authority', ['gw.test:8080']],
      ['accept', ['*/*']],
      ['x-request-id', ['id']],
      ['x-real-ip', ['198.51.100.7']],
      ['x-forwarded-for', ['198.51.100.7']],
      ['x-forwarded-host', ['gw.test:8080']],
      ['x-forwarded-port', ['8080']],
      ['x-forwarded-proto', ['http']],
      ['x-forwarded-scheme', ['http']],
      ['x-scheme', ['http']],
    ]),
  );
  const tls = upstream({}, { scheme: 'https' });
  assert.deepEqual([tls.get('x-forwarded-proto'), tls.get('x-forwarded-port')], [['https'], ['443']]);
});

test('copies of a client nobody trusts are replaced, however often and however spelled', () => {
  const forged = [
    ['X-Forwarded-For', '1.1.1.1'],
    ['x-forwarded-for', '2.2.2.2'],
    ['X-FORWARDED-PROTO', 'https'],
    ['X-Forwarded-Host', 'evil.test'],
    ['X-Forwarded-Port', '1'],
    ['X-Forwarded-Scheme', 'https'],
    ['X-Scheme', 'https'],
    ['X-Real-IP', '3.3.3.3'],
    ['X-Original-Forwarded-For', '4.4.4.4'],
    ['X-Forwarded-Prefix', '/admin'],
    ['X-Forwarded-User', 'root'],
    ['Forwarded', 'for=5.5.5.5'],
    ['X-Request-ID', 'forged'],
  ] as const;
  const sent = upstream({}, { fields: forged });
  const { size } = upstream({}, {});
  assert.deepEqual(sent.get('x-forwarded-for'), ['198.51.100.7']);
  assert.deepEqual(sent.get('x-original-forwarded-for'), ['1.1.1.1, 2.2.2.2']);
  for (const [name, value] of [['x-forwarded-proto', 'http'], ['x-real-ip', '198.51.100.7'], ['x-scheme', 'http'], ['x-request-id', 'id']] as const) {
    assert.deepEqual(sent.get(name), [value]);
  }
  assert.equal(sent.size, size + 1);
});

test('a trusted peer is believed: the chain is walked from the right to the first address nobody vouches for', () => {
  const chains = [
    ['203.0.113.9', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['10.1.1.1, 10.2.2.2', '10.1.1.1'],
    ['spoof, 203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, garbage', '198.51.100.7'],
    ['2001:db8::1, 2001:db9::5, 2001:db8::2', '2001:db9::5'],
    ['', '198.51.100.7'],
  ] as const;
  for (const [chain, client] of chains) {
    const sent = upstream(TRUSTED, { fields: [['X-Forwarded-For', chain]] });
    assert.deepEqual(sent.get('x-real-ip'), [client], chain);
    assert.deepEqual(sent.get('x-forwarded-for'), [client], chain);
  }
  const split = upstream(TRUSTED, { fields: [['X-Forwarded-For', '6.6.6.6'], ['X-Forwarded-For', '203.0.113.9']] });
  assert.deepEqual(split.get('x-real-ip'), ['203.0.113.9']);
});

test('an IPv6 peer in a trusted range is believed, one outside is not', () => {
  const fields = [['X-Forwarded-For', '203.0.113.9']] as const;
  assert.deepEqual(upstream(TRUSTED, { fields, peer: '2001:db8::99' }).get('x-real-ip'), ['203.0.113.9']);
  assert.deepEqual(upstream(TRUSTED, { fields, peer: '2001:db9::99' }).get('x-real-ip'), ['2001:db9::99']);
});

test('a trusted peer also says scheme, host and port; what is none is not taken', () => {
  const good = upstream(TRUSTED, { fields: [['X-Forwarded-Proto', 'HTTPS'], ['X-Forwarded-Host', 'shop.test'], ['X-Forwarded-Port', '8443'], ['X-Forwarded-Prefix', '/shop']] });
  assert.deepEqual(
    ['x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-prefix'].map((name) => good.get(name)?.[0]),
    ['https', 'shop.test', '8443', '/shop'],
  );
  const bad = upstream(TRUSTED, { fields: [['X-Forwarded-Proto', 'gopher'], ['X-Forwarded-Host', 'a b/"><'], ['X-Forwarded-Port', '1e3']] });
  assert.deepEqual(
    ['x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port'].map((name) => bad.get(name)?.[0]),
    ['http', 'gw.test:8080', '8080'],
  );
  assert.deepEqual(upstream(TRUSTED, { fields: [['X-Forwarded-Proto', 'https']] }).get('x-forwarded-port'), ['443']);
});

test('the chain is continued where that is asked for, for trusted peers only', () => {
  const fields = [['X-Forwarded-For', '203.0.113.9, 10.1.2.3']] as const;
  const trusted = upstream({ ...TRUSTED, appendForwardedFor: true }, { fields });
  assert.deepEqual(trusted.get('x-forwarded-for'), ['203.0.113.9, 10.1.2.3, 198.51.100.7']);
  const stranger = upstream({ ...TRUSTED, appendForwardedFor: true }, { fields, peer: '203.0.113.1' });
  assert.deepEqual(stranger.get('x-forwarded-for'), ['203.0.113.1']);
});

test('the backend is asked for another host only where the route says so', () => {
  const sent = upstream({}, { host: 'inner.test' });
  assert.deepEqual([sent.get('authority'), sent.get('x-forwarded-host')], [['inner.test'], ['gw.test:8080']]);
});
