import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { makeAuthority, makeIntermediate, makeLeaf, type Issued } from '../../test/support/certificates.ts';
import { leadsToAuthority } from './chainDepth.ts';

const certificateOf = ({ certificatePem }: Issued): X509Certificate => new X509Certificate(certificatePem);
const root = makeAuthority('Root');
const one = makeIntermediate(root, 'One');
const two = makeIntermediate(one, 'Two');

/** Whether a leaf of `issuer` leads to an authority over at most `depth` others, when `authorities` are all that is known. */
function leads(issuer: Issued | null, authorities: readonly Issued[], depth: number): boolean {
  return leadsToAuthority(certificateOf(makeLeaf(issuer, 'leaf')), authorities.map(certificateOf), depth);
}

test('intermediate certificates count, leaf and root do not', () => {
  const known = [two, root, one];
  assert.deepEqual([0, 1, 2, 3].map((depth) => leads(root, known, depth)), [true, true, true, true]);
  assert.deepEqual([0, 1, 2, 3].map((depth) => leads(one, known, depth)), [false, true, true, true]);
  assert.deepEqual([0, 1, 2, 3].map((depth) => leads(two, known, depth)), [false, false, true, true]);
});

test('a chain that does not end at a self-signed authority leads nowhere', () => {
  assert.equal(leads(one, [one], 5), false);
  assert.equal(leads(root, [], 5), false);
  assert.equal(leads(null, [root], 5), false);
});

test('an authority of the same name with another key is no way to a shorter chain', () => {
  const twin = makeAuthority('Two');
  assert.equal(leads(two, [twin, one, root], 0), false);
  assert.equal(leads(two, [twin, two, one, root], 2), true);
});

test('a self-signed authority shown as its own client leads to itself', () => {
  assert.equal(leadsToAuthority(certificateOf(root), [certificateOf(root)], 0), true);
});
