import assert from 'node:assert/strict';
import { deserialize, serialize } from 'node:v8';
import { test } from 'node:test';
import { decodeToAnnouncer } from './decodeToAnnouncer.ts';
import { forwardedPort, reportOf, SETTINGS, vip, wantedOf, wholeOf } from './testing/announcerFacts.ts';

const START = { type: 'start', settings: SETTINGS, logLevel: 'info', logFormat: 'json', inherited: null };
const PORT = forwardedPort('192.0.2.1', { address: '198.51.100.1', port: 8080 });
const WANT = { type: 'want', delta: wholeOf(wantedOf([vip('192.0.2.1'), vip('2001:db8::1')], [PORT])) };

const RIGHT = { untilMonotonicMs: 12_345.5, untilWallMs: 1.8e12 };
const NEWS = { sequence: 3, reachable: true, rights: new Map([['192.0.2.1', RIGHT]]) };

function newsWith(address: string, right: unknown): unknown {
  return { type: 'leases', news: { ...NEWS, rights: new Map([[address, right]]) } };
}

/** As the channel hands it on. */
function overChannel(value: unknown): unknown {
  return deserialize(serialize(value));
}

function wantPort(change: object): unknown {
  return { ...WANT, delta: { ...WANT.delta, ports: { upserts: [{ ...PORT, ...change }], deletes: [] } } };
}

function wantVip(change: object): unknown {
  return { ...WANT, delta: { ...WANT.delta, vips: { upserts: [{ ...vip('192.0.2.1'), ...change }], deletes: [] } } };
}

function endpointWith(change: object): unknown {
  return wantPort({ to: { ...PORT.to, endpoints: [{ address: '198.51.100.1', port: 1, weight: 1, ...change }] } });
}

test('every message of the protocol survives the channel', () => {
  const messages: readonly unknown[] = [
    START, { ...START, inherited: reportOf('192.0.2.1') }, { ...START, settings: { ...SETTINGS, membershipKey: 'MDEyMzQ1Njc4OWFiY2RlZg==' } },
    WANT, wantPort({ to: { type: 'proxy' }, sourceRanges: ['10.0.0.0/8', '2001:db8::/32'] }), wantVip({ sharing: 'perClient', sticky: true }),
    { ...WANT, delta: { ...WANT.delta, whole: false, nodes: null, ports: { upserts: [], deletes: [PORT.key] } } },
    { type: 'proxy', proxy: { pid: 7, serving: true } }, { type: 'proxy', proxy: { pid: null, serving: false } },
    { type: 'leases', news: NEWS }, { type: 'leases', news: { ...NEWS, reachable: false, rights: new Map() } }, wantVip({ ownership: 'lease' }),
    { type: 'stop', forGood: false },
  ];
  for (const message of messages) assert.deepEqual(decodeToAnnouncer(overChannel(message)), message);
});

test('what is no message is refused, whatever part of it is wrong', () => {
  const wrong: readonly unknown[] = [
    null, undefined, 7, 'stop', [], {}, { type: 'halt' }, { type: 'stop' },
    { ...START, logLevel: 'loud' }, { ...START, inherited: {} }, { ...START, logFormat: 'xml' }, { ...START, settings: { ...SETTINGS, mark: 0 } },
    { ...START, settings: { ...SETTINGS, membershipPort: 70_000 } }, { ...START, settings: { ...SETTINGS, excludedInterfaces: [1] } },
    { ...START, settings: { ...SETTINGS, mark: 2 ** 32 } }, { ...START, settings: { ...SETTINGS, nodeName: '' } },
    { type: 'want' }, { type: 'want', delta: {} }, { ...WANT, delta: { ...WANT.delta, nodes: { a: ['192.0.2.1'] } } },
    { ...WANT, delta: { ...WANT.delta, nodes: new Map([['a', ['nowhere']]]) } },
    wantPort({ key: 'tcp/192.0.2.2:80' }), wantPort({ protocol: 'sctp' }), wantPort({ port: 0 }), wantPort({ sourceRanges: ['10.0.0.0/33'] }),
    wantPort({ sourceRanges: ['10.0.0.0/8\n'] }), wantPort({ to: { type: 'elsewhere' } }), wantPort({ to: { ...PORT.to, balance: 'best' } }),
    endpointWith({ address: '198.51.100.1; flush ruleset' }), endpointWith({ address: 'fe80::1%eth0' }), endpointWith({ weight: 0 }),
    endpointWith({ weight: 1_000_001 }), endpointWith({ port: 65_536 }),
    wantVip({ address: 'web' }), wantVip({ sharing: 'all' }), wantVip({ candidates: [{ node: 'a', preference: 0.5 }] }), wantVip({ interfaces: null }),
    wantVip({ ownership: 'vote' }), { type: 'leases' }, { type: 'leases', news: { ...NEWS, sequence: -1 } }, newsWith('web', RIGHT),
    { type: 'leases', news: { ...NEWS, rights: {} } }, newsWith('192.0.2.1', { ...RIGHT, untilWallMs: Number.POSITIVE_INFINITY }), newsWith('192.0.2.1', null),
    { type: 'proxy', proxy: { pid: 0, serving: true } }, { type: 'proxy', proxy: { pid: 1 } },
  ];
  for (const message of wrong) assert.throws(() => decodeToAnnouncer(overChannel(message)), TypeError, JSON.stringify(message));
});
