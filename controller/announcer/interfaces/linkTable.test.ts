import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutations, SEED } from '../netlink/fixture/hostileOctets.ts';
import { addressPayload, ETHERNET_UP, linkPayload, type AddressFacts, type LinkFacts } from '../netlink/fixture/rtnetlinkMessages.ts';
import type { NetlinkMessage } from '../netlink/netlinkMessage.ts';
import { createLinkTable, LINK_LIMITS } from './linkTable.ts';

const LINK_FACTS: LinkFacts = { index: 2, name: 'eth0' };
const ADDRESS_FACTS: AddressFacts = { index: 2, octets: [192, 0, 2, 9], prefixLength: 24 };

function message(type: number, payload: Buffer): NetlinkMessage {
  return { type, flags: 0, sequence: 0, payload };
}

function newLink(facts: Partial<LinkFacts> = {}): NetlinkMessage {
  return message(16, linkPayload({ ...LINK_FACTS, ...facts }));
}

function newAddress(facts: Partial<AddressFacts> = {}): NetlinkMessage {
  return message(20, addressPayload({ ...ADDRESS_FACTS, ...facts }));
}

test('interfaces are listed by index, with their addresses', () => {
  const table = createLinkTable();
  for (const one of [newLink({ index: 3, name: 'eth1', master: 2, kind: 'veth' }), newLink(), newAddress()]) assert.equal(table.apply(one), 'taken');
  assert.deepEqual(table.links(), [
    {
      index: 2, name: 'eth0', mac: '02:00:00:00:00:01', up: true, loopback: false, noArp: false, broadcast: true, master: null, kind: '',
      addresses: [{ address: '192.0.2.9', prefixLength: 24, usable: true }],
    },
    {
      index: 3, name: 'eth1', mac: '02:00:00:00:00:01', up: true, loopback: false, noArp: false, broadcast: true, master: 2, kind: 'veth', addresses: [],
    },
  ]);
  assert.equal(table.links(), table.links());
});

test('an interface is up with all of UP, RUNNING and LOWER_UP, and going down is told', () => {
  const table = createLinkTable();
  table.apply(newLink());
  for (const missing of [0x1, 0x40, 0x1_0000]) {
    assert.equal(table.apply(newLink({ flags: ETHERNET_UP & ~missing })), 'wentDown');
    assert.equal(table.links()[0]?.up, false);
    assert.equal(table.apply(newLink({ flags: ETHERNET_UP & ~missing })), 'taken');
    assert.equal(table.apply(newLink()), 'taken');
  }
  assert.equal(table.apply(message(17, linkPayload(LINK_FACTS))), 'wentDown');
  assert.deepEqual(table.links(), []);
});

test('a port that leaves a bridge is still an interface', () => {
  const table = createLinkTable();
  table.apply(newLink({ master: 5 }));
  table.apply(message(17, linkPayload({ ...LINK_FACTS, family: 7 })));
  table.apply(newLink());
  assert.deepEqual(table.links().map(({ name, master }) => ({ name, master })), [{ name: 'eth0', master: null }]);
});

test('an address is usable once it is neither tentative nor a duplicate, and goes with its interface', () => {
  const table = createLinkTable();
  table.apply(newLink());
  const usable = (flags: number): unknown => {
    table.apply(newAddress({ flags }));
    return table.links()[0]?.addresses.map((address) => address.usable);
  };
  assert.deepEqual([0xc0, 0x88, 0x80].map(usable), [[false], [false], [true]]);
  table.apply(message(21, addressPayload(ADDRESS_FACTS)));
  assert.deepEqual(table.links()[0]?.addresses, []);
  table.apply(newAddress());
  table.apply(message(17, linkPayload(LINK_FACTS)));
  table.apply(newLink());
  assert.deepEqual(table.links()[0]?.addresses, []);
});

test('a renamed interface stays the same one', () => {
  const table = createLinkTable();
  for (const one of [newLink(), newAddress(), newLink({ name: 'lan0' })]) table.apply(one);
  assert.deepEqual(table.links().map(({ index, name, addresses }) => ({ index, name, count: addresses.length })), [{ index: 2, name: 'lan0', count: 1 }]);
});

test('messages about other things are passed over, unreadable ones are told', () => {
  const table = createLinkTable();
  assert.equal(table.apply(message(24, Buffer.alloc(0))), 'taken');
  assert.equal(table.apply(newAddress({ index: 99 })), 'taken');
  for (const type of [16, 17, 20, 21]) assert.equal(table.apply(message(type, Buffer.alloc(3))), 'unreadable');
});

test('no more is kept than the limits say, and what is removed makes room', () => {
  const table = createLinkTable({ links: 2, addressesPerLink: 2, addresses: 3 });
  for (const index of [2, 3, 4]) table.apply(newLink({ index }));
  assert.equal(table.omitted(), 1);
  for (const index of [2, 3]) for (const host of [1, 2, 3]) table.apply(newAddress({ index, octets: [192, 0, 2, host] }));
  assert.deepEqual(table.links().map(({ addresses }) => addresses.length), [2, 1]);
  assert.equal(table.omitted(), 4);
  table.apply(message(17, linkPayload(LINK_FACTS)));
  for (const one of [newLink({ index: 4 }), newAddress({ index: 4 }), newAddress({ index: 4, octets: [192, 0, 2, 10] })]) table.apply(one);
  assert.deepEqual(table.links().map(({ index, addresses }) => [index, addresses.length]), [[3, 1], [4, 2]]);
});

test(`after mutated messages the table is within its limits (GATEHOUSE_SEED=${SEED})`, () => {
  const table = createLinkTable();
  table.apply(newLink());
  for (const { type, payload } of [newLink(), newAddress()]) {
    for (const mutated of mutations(payload, 8_000)) table.apply(message(type, mutated));
  }
  const links = table.links();
  assert.ok(links.length <= LINK_LIMITS.links);
  assert.ok(links.every(({ addresses }) => addresses.length <= LINK_LIMITS.addressesPerLink));
});
