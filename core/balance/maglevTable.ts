import { apportion } from './apportion.ts';
import { hash32 } from './hash32.ts';

/** One member of a consistent-hash table. */
export interface MaglevMember {
  /** Names the member: the same name gets the same places in every worker and on every node. */
  readonly key: string;
  /** Above 0. */
  readonly weight: number;
}

/**
 * Primes, so that every step length visits every place. Few and far apart: crossing a bound moves most keys, so a
 * Deployment should not do it when it scales. Shares are within 1 % up to 64 members, 2 % up to 5,000. Larger tables
 * would be fairer, but one is built, on the worker's thread, after every change of endpoints (bench/micro/balance.ts).
 */
const TABLE_SIZES: readonly { readonly members: number; readonly size: number }[] = [
  { members: 64, size: 8_191 },
  { members: 1_024, size: 65_537 },
  { members: 65_535, size: 262_139 },
];

const OFFSET_SEED = 0x6d61676c;
const STEP_SEED = 0x6576_0001;
const FREE = 0xffff;

/**
 * Maglev look-up table (Eisenbud et al., NSDI 2016, section 3.4): place → index into `members`. Members take turns in
 * claiming the next free place of their own permutation; here every member has as many turns as its weight earns,
 * spread evenly. Depends on the set of members only, not on their order. At most 65,535 members, at least one. `size` is
 * a prime, by default `tableSize`'s.
 */
export function buildMaglevTable(members: readonly MaglevMember[], size = tableSize(members.length)): Uint16Array {
  const order = members.map((_, index) => index).sort((a, b) => compareKeys(members[a]?.key, members[b]?.key));
  const sorted = order.map((index) => members[index] as MaglevMember);
  const turns = turnOrder(apportion(sorted.map((member) => member.weight), size), size);
  const place = Uint32Array.from(sorted, (member) => hash32(member.key, OFFSET_SEED) % size);
  const step = Uint32Array.from(sorted, (member) => (hash32(member.key, STEP_SEED) % (size - 1)) + 1);
  const table = new Uint16Array(size).fill(FREE);
  for (const member of turns) {
    const stride = step[member] as number;
    let at = place[member] as number;
    while (table[at] !== FREE) {
      // Subtracting is the modulo here, and this loop runs M · ln M times.
      at += stride;
      if (at >= size) at -= size;
    }
    table[at] = order[member] as number;
    place[member] = at;
  }
  return table;
}

/** Places of a table of the proxy for that many members. */
export function tableSize(members: number): number {
  const row = TABLE_SIZES.find((entry) => members <= entry.members);
  if (row === undefined || members === 0) throw new RangeError(`a Maglev table cannot have ${members} members`);
  return row.size;
}

/** Who claims when: turn k of a member with quota q comes in round ⌊k · rounds / q⌋. A counting sort by round. */
function turnOrder(quotas: readonly number[], size: number): Uint16Array {
  const rounds = Math.max(...quotas);
  const starts = new Uint32Array(rounds + 1);
  const eachTurn = (visit: (member: number, round: number) => void): void => {
    quotas.forEach((quota, member) => {
      for (let turn = 0; turn < quota; turn += 1) visit(member, Math.floor((turn * rounds) / quota));
    });
  };
  eachTurn((_, round) => {
    starts[round + 1] = (starts[round + 1] as number) + 1;
  });
  for (let round = 0; round < rounds; round += 1) {
    starts[round + 1] = (starts[round + 1] as number) + (starts[round] as number);
  }
  const order = new Uint16Array(size);
  eachTurn((member, round) => {
    const at = starts[round] as number;
    order[at] = member;
    starts[round] = at + 1;
  });
  return order;
}

/** By code unit, so that no locale has a say. */
function compareKeys(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  return (a ?? '') < (b ?? '') ? -1 : 1;
}
