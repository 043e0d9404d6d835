import assert from 'node:assert/strict';
import { test } from 'node:test';
import { give } from './testing/given.ts';
import { pool, service, type ServiceFields } from './testing/objects.ts';
import type { IPAddressPool } from '../model/addressPool.ts';

const V4 = pool('v4', ['192.0.2.0/30']);
const V6 = pool('v6', ['2001:db8::/64']);
const BOTH = pool('both', ['198.51.100.0/31', '2001:db8:1::/126']);
const HIDDEN = pool('hidden', ['203.0.113.0/30'], { autoAssign: false });

const MINE = 'gatehouse.dev';
const IPS = 'metallb.io/loadBalancerIPs';
const POOL = 'metallb.io/address-pool';

interface Row {
  readonly name: string;
  readonly pools: readonly IPAddressPool[];
  readonly fields?: ServiceFields;
  /** Address and pool; empty: none. */
  readonly given: string;
  /** Part of the one problem; absent: there is no problem. */
  readonly fault?: string;
}

const ROWS: readonly Row[] = [
  { name: 'the first address of the pool is given, .0 too', pools: [V4], given: '192.0.2.0 @v4' },
  {
    name: 'avoidBuggyIPs leaves out .0 and .255',
    pools: [pool('a', ['192.0.2.255-192.0.3.9'], { avoidBuggyIPs: true })],
    given: '192.0.3.1 @a',
  },
  {
    name: 'avoidBuggyIPs does not touch IPv6',
    pools: [pool('a', ['2001:db8::/64'], { avoidBuggyIPs: true })],
    given: '2001:db8:: @a',
  },
  {
    name: 'ranges are used in the order they are written',
    pools: [pool('a', ['192.0.2.9-192.0.2.9', '192.0.2.1-192.0.2.2'])],
    given: '192.0.2.9 @a',
  },
  { name: 'IPv4 comes first when nothing is said', pools: [V6, V4], given: '192.0.2.0 @v4' },
  { name: 'IPv6 is given where there is no IPv4', pools: [V6], given: '2001:db8:: @v6' },
  { name: 'pools without autoAssign are not used unasked', pools: [HIDDEN], given: '', fault: 'none gives unasked' },
  { name: 'without any pool there is a warning', pools: [], given: '', fault: 'there is none' },
  {
    name: 'a pool is asked for by annotation',
    pools: [V4, HIDDEN],
    fields: { annotations: { [POOL]: 'hidden' } },
    given: '203.0.113.0 @hidden',
  },
  {
    name: 'the former prefix of MetalLB works and is reported',
    pools: [V4, HIDDEN],
    fields: { annotations: { 'metallb.universe.tf/address-pool': 'hidden' } },
    given: '203.0.113.0 @hidden',
    fault: 'has a deprecated prefix: write gatehouse.dev/address-pool or metallb.io/address-pool; it is read as such',
  },
  {
    name: 'an unknown pool is refused with the nearest name',
    pools: [V4, HIDDEN],
    fields: { annotations: { [POOL]: 'hiden' } },
    given: '',
    fault: 'did you mean hidden?',
  },
  {
    name: 'an unknown pool like no other is refused with all names',
    pools: [V4],
    fields: { annotations: { [POOL]: 'somewhere' } },
    given: '',
    fault: 'there is v4 (192.0.2.0/30)',
  },
  {
    name: 'spec.loadBalancerIP is honoured',
    pools: [V4],
    fields: { loadBalancerIP: '192.0.2.3' },
    given: '192.0.2.3 @v4',
  },
  {
    name: 'an address may be asked for in a pool without autoAssign',
    pools: [HIDDEN],
    fields: { loadBalancerIP: '203.0.113.2' },
    given: '203.0.113.2 @hidden',
  },
  {
    name: 'an annotation asks for an address',
    pools: [V4],
    fields: { annotations: { [IPS]: ' 192.0.2.2 ' } },
    given: '192.0.2.2 @v4',
  },
  {
    name: 'the own annotation asks for an address',
    pools: [V4],
    fields: { annotations: { [`${MINE}/load-balancer-ips`]: '192.0.2.1' } },
    given: '192.0.2.1 @v4',
  },
  {
    name: 'an address is printed in its canonical form',
    pools: [V6],
    fields: { loadBalancerIP: '2001:0DB8:0::00aB' },
    given: '2001:db8::ab @v6',
  },
  {
    name: 'an address outside all pools is refused with the pools',
    pools: [V4, HIDDEN],
    fields: { loadBalancerIP: '10.0.0.1' },
    given: '',
    fault:
      'spec.loadBalancerIP: must be in an IPAddressPool; there are hidden (203.0.113.0/30), v4 (192.0.2.0/30); the Service has no address',
  },
  {
    name: 'an address that avoidBuggyIPs leaves out is refused',
    pools: [pool('a', ['192.0.2.0/24'], { avoidBuggyIPs: true })],
    fields: { loadBalancerIP: '192.0.2.255' },
    given: '',
    fault: 'pool a has avoidBuggyIPs',
  },
  {
    name: 'an address in another pool than the one asked for is refused',
    pools: [V4, HIDDEN],
    fields: { loadBalancerIP: '192.0.2.1', annotations: { [POOL]: 'hidden' } },
    given: '',
    fault: 'it is in v4',
  },
  {
    name: 'an address in the pool asked for is given',
    pools: [V4, HIDDEN],
    fields: { loadBalancerIP: '192.0.2.1', annotations: { [POOL]: 'v4' } },
    given: '192.0.2.1 @v4',
  },
  {
    name: 'what is no address is refused',
    pools: [V4],
    fields: { loadBalancerIP: '192.0.2' },
    given: '',
    fault: 'spec.loadBalancerIP: must be an IP address; the Service has no address',
  },
  {
    name: 'spec.loadBalancerIP takes one address only',
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'PreferDualStack', loadBalancerIP: '198.51.100.0,2001:db8:1::' },
    given: '',
    fault: 'spec.loadBalancerIP: must be an IP address; the Service has no address',
  },
  {
    name: 'what is no list of addresses is refused',
    pools: [V4],
    fields: { annotations: { [IPS]: '192.0.2.1;192.0.2.2' } },
    given: '',
    fault: `metadata.annotations[${IPS}]: must be an IP address, or`,
  },
  {
    name: 'two addresses of one family are refused',
    pools: [V4],
    fields: { ipFamilyPolicy: 'PreferDualStack', annotations: { [IPS]: '192.0.2.1,192.0.2.2' } },
    given: '',
    fault: 'an IPv4 and an IPv6 address',
  },
  {
    name: 'three addresses are refused',
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'PreferDualStack', annotations: { [IPS]: '198.51.100.0,2001:db8:1::,198.51.100.1' } },
    given: '',
    fault: 'an IPv4 and an IPv6 address',
  },
  {
    name: 'two addresses need a dual-stack Service',
    pools: [BOTH],
    fields: { annotations: { [IPS]: '198.51.100.0,2001:db8:1::' } },
    given: '',
    fault: 'ipFamilyPolicy must be PreferDualStack or RequireDualStack',
  },
  {
    name: 'annotation and loadBalancerIP that disagree are refused',
    pools: [V4],
    fields: { loadBalancerIP: '192.0.2.1', annotations: { [IPS]: '192.0.2.2' } },
    given: '',
    fault: 'spec.loadBalancerIP: must be one of the addresses that the annotation asks for',
  },
  {
    name: 'annotation and loadBalancerIP may agree',
    pools: [V4],
    fields: { loadBalancerIP: '192.0.2.2', annotations: { [IPS]: '192.0.2.2' } },
    given: '192.0.2.2 @v4',
  },
  {
    name: 'an address of another family than ipFamilies is refused',
    pools: [V4],
    fields: { ipFamilies: ['IPv6'], loadBalancerIP: '192.0.2.1' },
    given: '',
    fault: 'must be an IPv6 address',
  },
  { name: 'ipFamilies chooses the family', pools: [V4, V6], fields: { ipFamilies: ['IPv6'] }, given: '2001:db8:: @v6' },
  {
    name: 'without ipFamilies the cluster address chooses it',
    pools: [V4, V6],
    fields: { clusterIPs: ['fd00::1'] },
    given: '2001:db8:: @v6',
  },
  {
    name: 'two cluster addresses without a policy mean both families',
    pools: [V4, BOTH],
    fields: { clusterIPs: ['fd00::1', '10.0.0.1'] },
    given: '2001:db8:1:: 198.51.100.0 @both',
  },
  {
    name: 'SingleStack takes the first family',
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] },
    given: '2001:db8:1:: @both',
  },
  {
    name: 'RequireDualStack takes both from one pool',
    pools: [V4, V6, BOTH],
    fields: { ipFamilyPolicy: 'RequireDualStack' },
    given: '198.51.100.0 2001:db8:1:: @both',
  },
  {
    name: 'RequireDualStack keeps the order of ipFamilies',
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] },
    given: '2001:db8:1:: 198.51.100.0 @both',
  },
  {
    name: 'RequireDualStack never takes two pools',
    pools: [V4, V6],
    fields: { ipFamilyPolicy: 'RequireDualStack' },
    given: '',
    fault: 'needs a pool that has both an IPv4 and an IPv6 address',
  },
  {
    name: 'RequireDualStack does not take one address asked for',
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'RequireDualStack', loadBalancerIP: '198.51.100.0' },
    given: '',
    fault: 'must be two addresses',
  },
  {
    name: 'RequireDualStack takes two addresses asked for',
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'RequireDualStack', annotations: { [IPS]: '2001:db8:1::1,198.51.100.1' } },
    given: '198.51.100.1 2001:db8:1::1 @both',
  },
  {
    name: 'two addresses asked for must be of one pool',
    pools: [V4, V6],
    fields: { ipFamilyPolicy: 'RequireDualStack', annotations: { [IPS]: '192.0.2.1,2001:db8::1' } },
    given: '',
    fault: 'it is in v6',
  },
  {
    name: 'PreferDualStack takes both where a pool has both',
    pools: [V4, BOTH],
    fields: { ipFamilyPolicy: 'PreferDualStack' },
    given: '198.51.100.0 2001:db8:1:: @both',
  },
  {
    name: 'PreferDualStack takes one of the first family else',
    pools: [V4, V6],
    fields: { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6'] },
    given: '2001:db8:: @v6',
  },
  {
    name: 'PreferDualStack takes IPv4 else when nothing is said',
    pools: [V4, V6],
    fields: { ipFamilyPolicy: 'PreferDualStack' },
    given: '192.0.2.0 @v4',
  },
  {
    name: 'PreferDualStack takes IPv6 when there is nothing else',
    pools: [V6],
    fields: { ipFamilyPolicy: 'PreferDualStack' },
    given: '2001:db8:: @v6',
  },
  {
    name: 'PreferDualStack is content with one address asked for',
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'PreferDualStack', loadBalancerIP: '198.51.100.1' },
    given: '198.51.100.1 @both',
  },
  {
    name: 'the own class is served',
    pools: [V4],
    fields: { loadBalancerClass: 'gatehouse.dev/lb' },
    given: '192.0.2.0 @v4',
  },
  {
    name: 'another class is not ours',
    pools: [V4],
    fields: { loadBalancerClass: 'example.com/lb', loadBalancerIP: '10.0.0.1' },
    given: '',
  },
  {
    name: 'other types get nothing',
    pools: [V4],
    fields: { type: 'NodePort', loadBalancerIP: '192.0.2.1' },
    given: '',
  },
  {
    name: 'the status of an earlier run is honoured',
    pools: [V4],
    fields: { statusAddresses: ['192.0.2.3'] },
    given: '192.0.2.3 @v4',
  },
  {
    name: 'a status that no pool has is not',
    pools: [V4],
    fields: { statusAddresses: ['10.0.0.1'] },
    given: '192.0.2.0 @v4',
  },
];

for (const { name, pools, fields = {}, given, fault } of ROWS) {
  test(`Of one Service: ${name}`, () => {
    const outcome = give({ pools, services: [service('shop/web', fields)] });
    assert.equal(outcome.given['shop/web'] ?? '', given, outcome.faults.join('\n'));
    assert.equal(outcome.faults.length, fault === undefined ? 0 : 1, outcome.faults.join('\n'));
    if (fault !== undefined) assert.ok(outcome.faults[0]?.includes(fault) === true, outcome.faults[0] ?? '');
  });
}
