import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IPAddressPool } from '../model/addressPool.ts';
import { give } from './testing/given.ts';
import { pool, service, type ServiceFields } from './testing/objects.ts';

const V4 = pool('v4', ['192.0.2.0/30']);
const V6 = pool('v6', ['2001:db8::/64']);
const BOTH = pool('both', ['198.51.100.0/31', '2001:db8:1::/126']);
const HIDDEN = pool('hidden', ['203.0.113.0/30'], { autoAssign: false });

const MINE = 'gatehouse.dev';
const IPS = 'metallb.io/loadBalancerIPs';
const POOL = 'metallb.io/address-pool';
const EIP = 'eip.openelb.kubesphere.io/v1alpha2';
const VIP = 'kube-vip.io/loadbalancerIPs';

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
  {
    name: 'annotations that name different pools are refused',
    pools: [V4, HIDDEN],
    fields: { annotations: { [POOL]: 'v4', [`${MINE}/address-pool`]: 'hidden' } },
    given: '',
    fault: `metadata.annotations[${POOL}]: must say the same as metadata.annotations[${MINE}/address-pool]`,
  },
  {
    name: 'annotations that name the same pool are fine',
    pools: [V4, HIDDEN],
    fields: { annotations: { [POOL]: 'hidden', [`${MINE}/address-pool`]: 'hidden', [EIP]: 'hidden' } },
    given: '203.0.113.0 @hidden',
  },
  {
    name: 'an empty annotation says nothing',
    pools: [V4, HIDDEN],
    fields: { annotations: { [POOL]: 'hidden', [`${MINE}/address-pool`]: ' ' } },
    given: '203.0.113.0 @hidden',
  },
  {
    name: "MetalLB's former prefix is ignored beside the present one",
    pools: [V4, HIDDEN],
    fields: { annotations: { [POOL]: 'hidden', 'metallb.universe.tf/address-pool': 'v4' } },
    given: '203.0.113.0 @hidden',
    fault: 'it is ignored',
  },
  {
    name: "OpenELB's annotation names a pool",
    pools: [V4, HIDDEN],
    fields: { annotations: { [EIP]: 'hidden' } },
    given: '203.0.113.0 @hidden',
  },
  {
    name: "OpenELB's annotation asks for an address",
    pools: [V4],
    fields: { annotations: { 'eip.openelb.kubesphere.io/v1alpha1': '192.0.2.2' } },
    given: '192.0.2.2 @v4',
  },
  {
    name: "OpenELB's address and pool go together",
    pools: [V4, HIDDEN],
    fields: { annotations: { 'eip.openelb.kubesphere.io/v1alpha1': '192.0.2.2', [EIP]: 'hidden' } },
    given: '',
    fault: 'it is in v4',
  },
  {
    name: "kube-vip's annotation asks for an address",
    pools: [V4],
    fields: { annotations: { [VIP]: '192.0.2.2' } },
    given: '192.0.2.2 @v4',
  },
  {
    name: "kube-vip's annotation asks for one of each family",
    pools: [BOTH],
    fields: { ipFamilyPolicy: 'RequireDualStack', annotations: { [VIP]: '198.51.100.1,2001:db8:1::1' } },
    given: '198.51.100.1 2001:db8:1::1 @both',
  },
  {
    name: "kube-vip's annotation and MetalLB's may agree, whatever the order and spelling",
    pools: [BOTH],
    fields: {
      ipFamilyPolicy: 'RequireDualStack',
      annotations: { [VIP]: '198.51.100.1,2001:db8:1::1', [IPS]: '2001:DB8:1:0::1, 198.51.100.1' },
    },
    given: '198.51.100.1 2001:db8:1::1 @both',
  },
  {
    name: 'annotations that ask for different addresses are refused',
    pools: [V4],
    fields: { annotations: { [VIP]: '192.0.2.1', [IPS]: '192.0.2.2' } },
    given: '',
    fault: `metadata.annotations[${VIP}]: must say the same as metadata.annotations[${IPS}], or be left out`,
  },
  {
    name: "kube-vip's DHCP is refused",
    pools: [V4],
    fields: { annotations: { [VIP]: '0.0.0.0' } },
    given: '',
    fault: '0.0.0.0 asks kube-vip for one by DHCP, which Gatehouse does not speak',
  },
  {
    name: "kube-vip's DHCP of IPv6 is refused",
    pools: [V6],
    fields: { annotations: { [VIP]: '::' } },
    given: '',
    fault: ':: asks kube-vip for one by DHCP',
  },
  {
    name: "kube-vip's host names are refused",
    pools: [V4],
    fields: { annotations: { [VIP]: 'web.example.com' } },
    given: '',
    fault: `metadata.annotations[${VIP}]: must be IP addresses: host names are not looked up`,
  },
];

for (const { name, pools, fields = {}, given, fault } of ROWS) {
  test(`Of annotations: ${name}`, () => {
    const outcome = give({ pools, services: [service('shop/web', fields)] });
    assert.equal(outcome.given['shop/web'] ?? '', given, outcome.faults.join('\n'));
    assert.equal(outcome.faults.length, fault === undefined ? 0 : 1, outcome.faults.join('\n'));
    if (fault !== undefined) assert.ok(outcome.faults[0]?.includes(fault) === true, outcome.faults[0] ?? '');
  });
}
