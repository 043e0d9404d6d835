import assert from 'node:assert/strict';
import { FAMILIES } from '../../codec/addressFamily.ts';
import type { AddressFamily, CodecOptions, PathAttributes } from '../../codec/message.ts';
import { readUpdate } from '../../codec/testing/readUpdate.ts';
import type { OutMessage } from '../adjRibOut.ts';
import type { OutRoute, OutRouteKey } from '../outRoute.ts';

/** For tests: the router on the other side, which believes what it is told and sweeps after a refresh (RFC 7313 section 4). */
export interface RouterTable {
  readonly paths: Map<OutRouteKey, PathAttributes>;
  /** End-of-RIB and the ends of refreshes, in order, such as `end-of-rib ipv4`. */
  readonly marks: string[];
  /** How many paths it was told, again and again counted. */
  announced: number;
  withdrawn: number;
  take(message: OutMessage): void;
}

/** For tests: an empty table of a session. */
export function routerTable(codec: CodecOptions): RouterTable {
  const stale = new Map<AddressFamily, Set<OutRouteKey>>();

  function takeUpdate(table: RouterTable, octets: Uint8Array): void {
    const { withdrawn, announced, attributes } = readUpdate(octets, codec);
    assert.ok(withdrawn.length === 0 || announced.length === 0, 'RFC 7606 section 5.1');
    if (withdrawn.length + announced.length === 0) {
      table.marks.push(`end-of-rib ${octets.length === 23 ? 'ipv4' : 'ipv6'}`);
      return;
    }
    table.withdrawn += withdrawn.length;
    table.announced += announced.length;
    for (const { prefix, pathId } of withdrawn) assert.ok(table.paths.delete(`${prefix} ${pathId ?? 0}`), `${prefix} was never announced`);
    for (const { prefix, pathId, family } of announced) {
      const key = `${prefix} ${pathId ?? 0}`;
      table.paths.set(key, attributes ?? assert.fail('no attributes'));
      stale.get(family)?.delete(key);
    }
  }

  function takeRefresh(table: RouterTable, octets: Uint8Array): void {
    const family = octets[20] === 1 ? 'ipv4' : 'ipv6';
    const isBegin = octets[21] === 1;
    table.marks.push(`${isBegin ? 'begin' : 'end'} ${family}`);
    if (isBegin) {
      assert.ok(!stale.has(family), 'a refresh begins after the one before');
      assert.ok(table.marks.includes(`end-of-rib ${family}`), 'a refresh begins after End-of-RIB');
      stale.set(family, new Set([...table.paths.keys()].filter((key) => key.includes(':') === (family === 'ipv6'))));
      return;
    }
    for (const key of stale.get(family) ?? assert.fail('an end without a beginning')) table.paths.delete(key);
    stale.delete(family);
  }

  return {
    paths: new Map(),
    marks: [],
    announced: 0,
    withdrawn: 0,
    take({ type, octets }) {
      if (type === 'update') takeUpdate(this, octets);
      else takeRefresh(this, octets);
    },
  };
}

/** For tests: what a router has when it has these. */
export function attributesOf(routes: ReadonlyMap<OutRouteKey, OutRoute>): ReadonlyMap<OutRouteKey, PathAttributes> {
  return new Map([...routes].map(([key, { attributes }]) => [key, attributes]));
}

/** For tests: marks of a session in which nothing else was marked. */
export const END_OF_RIB: readonly string[] = FAMILIES.map((family) => `end-of-rib ${family}`);
