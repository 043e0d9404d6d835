import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, testSeed } from '../../../../core/testing/seededRandom.ts';
import type { AddressFamily, CodecOptions, PathAttributes } from '../codec/message.ts';
import { MODERN_CODEC, PLAIN_ATTRIBUTES } from '../codec/testing/codecOptions.ts';
import { createAdjRibOut, type AdjRibOut } from './adjRibOut.ts';
import type { OutRoute, OutRouteKey, OutRoutes } from './outRoute.ts';
import { attributesOf, END_OF_RIB, routerTable, type RouterTable } from './testing/routerTable.ts';

const WITH_PATHS: CodecOptions = { ...MODERN_CODEC, addPathSend: ['ipv4', 'ipv6'] };
const ATTRIBUTES_6: PathAttributes = { ...PLAIN_ATTRIBUTES, nextHop: '2001:db8::1' };

function routes(...wanted: readonly (readonly [prefix: string, attributes?: PathAttributes, pathId?: number])[]): OutRoutes {
  return new Map(wanted.map(([prefix, attributes, pathId = 0]): [OutRouteKey, OutRoute] => {
    const family: AddressFamily = prefix.includes(':') ? 'ipv6' : 'ipv4';
    return [`${prefix} ${pathId}`, { family, prefix, pathId, attributes: attributes ?? (family === 'ipv4' ? PLAIN_ATTRIBUTES : ATTRIBUTES_6) }];
  }));
}

/** Sends all that is to be sent. Answers the sizes of messages. */
function drain(out: AdjRibOut, table: RouterTable): readonly number[] {
  const sizes: number[] = [];
  for (let message = out.next(); message !== null; message = out.next()) {
    table.take(message);
    sizes.push(message.octets.length);
  }
  assert.ok(out.isEmpty());
  return sizes;
}

function established(wanted: OutRoutes, codec = MODERN_CODEC, enhancedRouteRefresh = false): { readonly out: AdjRibOut; readonly table: RouterTable } {
  const out = createAdjRibOut();
  const table = routerTable(codec);
  out.want(wanted);
  assert.ok(out.isEmpty() && out.next() === null, 'nothing is sent before there is a session');
  out.reset({ codec, enhancedRouteRefresh });
  assert.ok(!out.isEmpty());
  drain(out, table);
  return { out, table };
}

test('A new session is sent all that is wanted, then End-of-RIB for each family', () => {
  const wanted = routes(['192.0.2.10/32'], ['192.0.2.11/32'], ['2001:db8::10/128']);
  const { out, table } = established(wanted);
  assert.deepEqual(table.paths, attributesOf(wanted));
  assert.deepEqual(table.marks, END_OF_RIB);
  assert.deepEqual([out.sent(), out.count('ipv4'), out.count('ipv6')], [wanted, 2, 1]);
});

test('A session of one family is sent that one', () => {
  const wanted = routes(['192.0.2.10/32'], ['2001:db8::10/128']);
  const { out, table } = established(wanted, { ...MODERN_CODEC, families: ['ipv6'] });
  assert.deepEqual([[...table.paths.keys()], table.marks], [['2001:db8::10/128 0'], ['end-of-rib ipv6']]);
  assert.equal(out.count('ipv4'), 0);
  out.refresh('ipv4');
  assert.ok(out.isEmpty());
});

test('A new session begins anew', () => {
  const wanted = routes(['192.0.2.10/32']);
  const { out } = established(wanted);
  const table = routerTable(MODERN_CODEC);
  out.reset({ codec: MODERN_CODEC });
  assert.deepEqual([out.sent().size, out.count('ipv4')], [0, 0]);
  drain(out, table);
  assert.deepEqual([table.paths, table.marks], [attributesOf(wanted), END_OF_RIB]);
});

test('What is equal to what the peer has is not sent, were it made anew', () => {
  const { out } = established(routes(['192.0.2.10/32']));
  out.want(routes(['192.0.2.10/32', { ...PLAIN_ATTRIBUTES, asPath: [...PLAIN_ATTRIBUTES.asPath] }]));
  assert.ok(out.isEmpty());
});

test('A change replaces a route without a withdrawal', () => {
  const { out, table } = established(routes(['192.0.2.10/32']));
  const wanted = routes(['192.0.2.10/32', { ...PLAIN_ATTRIBUTES, med: 5 }]);
  out.want(wanted);
  assert.equal(drain(out, table).length, 1);
  assert.deepEqual([table.paths, table.withdrawn], [attributesOf(wanted), 0]);
});

test('A route that changes while it waits is sent in its newest form alone', () => {
  const { out, table } = established(routes());
  for (let med = 0; med < 10; med += 1) out.want(routes(['192.0.2.10/32', { ...PLAIN_ATTRIBUTES, med }]));
  assert.equal(drain(out, table).length, 1);
  assert.equal(table.paths.get('192.0.2.10/32 0')?.med, 9);
});

test('A route that is wanted no more before it was sent is never sent, nor withdrawn', () => {
  const { out } = established(routes());
  out.want(routes(['192.0.2.10/32']));
  out.want(routes());
  assert.ok(out.isEmpty() && out.next() === null);
});

test('A change that is taken back before it was sent is not sent', () => {
  const { out } = established(routes(['192.0.2.10/32']));
  out.want(routes(['192.0.2.10/32', { ...PLAIN_ATTRIBUTES, med: 5 }]));
  out.want(routes(['192.0.2.10/32']));
  assert.ok(out.isEmpty());
  out.want(routes());
  out.want(routes(['192.0.2.10/32']));
  assert.ok(out.isEmpty());
});

test('Withdrawals of both families come first, each in as few messages as it takes', () => {
  const many = Array.from({ length: 500 }, (_, index) => `10.0.${index >> 8}.${index & 255}/32`);
  const { out, table } = established(routes(...many.map((prefix) => [prefix] as const), ['2001:db8::10/128']));
  out.want(routes(['192.0.2.10/32']));
  assert.equal(drain(out, table).length, 3);
  assert.deepEqual([[...table.paths.keys()], table.withdrawn], [['192.0.2.10/32 0'], 501]);
  out.want(routes(['192.0.2.11/32']));
  const first = out.next();
  assert.ok(first !== null);
  table.take(first);
  assert.deepEqual([...table.paths.keys()], []);
});

test('Paths with equal attributes are packed up to the largest message', () => {
  const prefixes = Array.from({ length: 20_000 }, (_, index) => [`10.${index >> 8}.${index & 255}.0/24`] as const);
  const sizes = (extendedMessages: boolean): readonly number[] => {
    const codec = { ...MODERN_CODEC, extendedMessages };
    const out = createAdjRibOut();
    out.want(routes(...prefixes));
    out.reset({ codec });
    return drain(out, routerTable(codec));
  };
  assert.equal(sizes(false).length, Math.ceil(80_000 / (4096 - 43)) + 2);
  assert.equal(sizes(true).length, 2 + 2);
  assert.ok(Math.max(...sizes(false)) > 4090);
});

test('A refresh sends a family again, and that one alone', () => {
  const wanted = routes(['192.0.2.10/32'], ['2001:db8::10/128']);
  const { out, table } = established(wanted);
  out.refresh('ipv6');
  out.refresh('ipv6');
  assert.equal(drain(out, table).length, 1);
  assert.deepEqual([table.announced, table.marks], [3, END_OF_RIB]);
});

test('With enhanced refresh its beginning and end are told, of an empty family too', () => {
  const { out, table } = established(routes(['192.0.2.10/32']), MODERN_CODEC, true);
  out.refresh('ipv4');
  out.refresh('ipv6');
  drain(out, table);
  assert.deepEqual(table.marks, [...END_OF_RIB, 'begin ipv4', 'end ipv4', 'begin ipv6', 'end ipv6']);
  assert.deepEqual([...table.paths.keys()], ['192.0.2.10/32 0']);
});

test('A refresh of nothing without marks is nothing', () => {
  const { out } = established(routes());
  out.refresh('ipv4');
  assert.ok(out.isEmpty() && out.next() === null);
});

test('A refresh that is asked for before End-of-RIB follows it', () => {
  const out = createAdjRibOut();
  const table = routerTable(MODERN_CODEC);
  out.want(routes(['192.0.2.10/32']));
  out.reset({ codec: MODERN_CODEC, enhancedRouteRefresh: true });
  const first = out.next();
  assert.ok(first !== null);
  table.take(first);
  out.refresh('ipv4');
  drain(out, table);
  assert.deepEqual(table.marks, ['end-of-rib ipv4', 'begin ipv4', 'end ipv4', 'end-of-rib ipv6']);
});

test('Requests during a refresh become one more behind it', () => {
  const { out, table } = established(routes(['192.0.2.10/32']), MODERN_CODEC, true);
  for (let asked = 0; asked < 5; asked += 1) {
    out.refresh('ipv4');
    if (asked > 0) continue;
    const begin = out.next();
    assert.ok(begin?.type === 'routeRefresh');
    table.take(begin);
  }
  drain(out, table);
  assert.deepEqual(table.marks, [...END_OF_RIB, 'begin ipv4', 'end ipv4', 'begin ipv4', 'end ipv4']);
});

test('A route that goes and comes back during a refresh is announced before its end, or the router would sweep it', () => {
  const wanted = routes(['192.0.2.10/32']);
  const { out, table } = established(wanted, MODERN_CODEC, true);
  out.refresh('ipv4');
  const begin = out.next();
  assert.ok(begin !== null);
  table.take(begin);
  out.want(routes());
  out.want(wanted);
  drain(out, table);
  assert.deepEqual(table.paths, attributesOf(wanted));
});

test('Several paths of a prefix have each their own life', () => {
  const { out, table } = established(routes(['192.0.2.10/32', PLAIN_ATTRIBUTES, 1], ['192.0.2.10/32', { ...PLAIN_ATTRIBUTES, nextHop: '192.0.2.2' }, 2]), WITH_PATHS);
  const wanted = routes(['192.0.2.10/32', { ...PLAIN_ATTRIBUTES, nextHop: '192.0.2.2' }, 2]);
  out.want(wanted);
  drain(out, table);
  assert.deepEqual([table.paths, out.count('ipv4')], [attributesOf(wanted), 1]);
});

test('What a session cannot carry is named and not sent, and withdrawn where the peer has it', () => {
  const { out, table } = established(routes(['192.0.2.10/32', PLAIN_ATTRIBUTES, 3], ['192.0.2.11/32']));
  assert.deepEqual([[...table.paths.keys()], [...out.unsendable().keys()]], [['192.0.2.11/32 0'], ['192.0.2.10/32 3']]);
  const communities = Array.from({ length: 1100 }, (_, index) => index);
  out.want(routes(['192.0.2.11/32', { ...PLAIN_ATTRIBUTES, communities }]));
  drain(out, table);
  assert.deepEqual([table.paths.size, out.sent().size], [0, 0]);
  assert.deepEqual([...out.unsendable()], [['192.0.2.11/32 0', 'its attributes are longer than a message']]);
  out.want(routes(['192.0.2.11/32']));
  drain(out, table);
  assert.deepEqual([table.paths.size, out.unsendable().size], [1, 0]);
});

test('One change among many routes is one message', () => {
  const prefixes = Array.from({ length: 20_000 }, (_, index) => [`10.${index >> 8}.${index & 255}.0/24`] as const);
  const { out, table } = established(routes(...prefixes));
  out.want(routes(...prefixes, ['192.0.2.10/32']));
  assert.equal(drain(out, table).length, 1);
});

/** One of some routes, or of none, with one of some attributes, made anew each time. */
function randomRoutes(random: () => number, codec: CodecOptions): OutRoutes {
  const below = (limit: number): number => Math.floor(random() * limit);
  const withPaths = codec.addPathSend.length > 0;
  const entries = Array.from({ length: below(60) }, () => {
    const isIpv6 = random() < 0.5;
    const prefix = isIpv6 ? `2001:db8:${(below(20) + 1).toString(16)}::/48` : `10.0.${below(20)}.0/${random() < 0.5 ? 24 : 32}`;
    const viaIpv6 = isIpv6 || random() < 0.3;
    const attributes: PathAttributes = {
      ...PLAIN_ATTRIBUTES, asPath: random() < 0.5 ? [] : [4_200_000_000], nextHop: viaIpv6 ? '2001:db8::1' : '192.0.2.1',
      linkLocalNextHop: viaIpv6 && random() < 0.5 ? 'fe80::1' : null, med: random() < 0.5 ? below(2) : null,
      communities: Array.from({ length: below(3) * 200 }, (_, index) => index), largeCommunities: random() < 0.5 ? [] : [[1, 2, 3]],
    };
    return [prefix, attributes, withPaths ? 1 + below(3) : 0] as const;
  });
  return routes(...entries);
}

for (const addPath of [false, true]) {
  for (const extendedMessages of [false, true]) {
    const seed = testSeed();
    test(`Any sequence leaves the router with what is wanted (ADD-PATH ${addPath}, extended messages ${extendedMessages}, GATEHOUSE_SEED=${seed})`, () => {
      const random = seededRandom(seed);
      const codec: CodecOptions = { ...(addPath ? WITH_PATHS : MODERN_CODEC), extendedMessages, fourOctetAsn: random() < 0.5 };
      const out = createAdjRibOut();
      let table = routerTable(codec);
      let wanted = randomRoutes(random, codec);
      out.want(wanted);
      out.reset({ codec });
      for (let step = 0; step < 400; step += 1) {
        const choice = random();
        if (choice < 0.3) {
          wanted = randomRoutes(random, codec);
          out.want(wanted);
        } else if (choice < 0.33) {
          out.refresh(random() < 0.5 ? 'ipv4' : 'ipv6');
        } else if (choice < 0.34) {
          table = routerTable(codec);
          out.reset({ codec, enhancedRouteRefresh: random() < 0.5 });
        } else if (choice < 0.4) {
          drain(out, table);
          assert.deepEqual(table.paths, attributesOf(wanted));
        } else {
          const wasEmpty = out.isEmpty();
          const message = out.next();
          assert.equal(message === null, wasEmpty);
          if (message !== null) table.take(message);
        }
        assert.equal(out.sent().size, out.count('ipv4') + out.count('ipv6'));
      }
      drain(out, table);
      assert.deepEqual([table.paths, out.unsendable().size], [attributesOf(wanted), 0]);
      assert.deepEqual(attributesOf(out.sent()), table.paths);
      assert.deepEqual(table.marks.filter((mark) => mark.startsWith('end-of-rib')), END_OF_RIB);
    });
  }
}
