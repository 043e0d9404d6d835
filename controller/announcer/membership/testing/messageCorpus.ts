import {
  MAX_INCARNATION, MAX_PARTS, MAX_SEQUENCE, MEMBER_STATUSES, PART_OCTETS, type MemberRecord, type Message, type MessageBody,
} from '../message.ts';

/** For tests: who says the messages of the corpus. */
export const BOOT = '00000000000000a1';

/** For tests: a name of as many octets as one may have. */
export const LONGEST = 'n'.repeat(253);

/** For tests: a member that is alive. */
export function record(changes: Partial<MemberRecord> = {}): MemberRecord {
  return { node: 'node-1', status: 'alive', boot: BOOT, incarnation: 17, stateVersion: 3, state: null, ...changes };
}

const BODIES: readonly MessageBody[] = [
  { type: 'ping', sequence: 0, target: 'a' },
  { type: 'ping', sequence: MAX_SEQUENCE, target: LONGEST },
  { type: 'pingRequest', sequence: 1, target: 'node-2' },
  { type: 'ack', sequence: 2, target: 'node-2' },
  { type: 'news' },
  { type: 'stateRequest', boot: 'ffffffffffffffff', version: MAX_SEQUENCE, missing: 2 ** MAX_PARTS - 1 },
  { type: 'statePart', version: 1, index: MAX_PARTS - 1, count: MAX_PARTS, octets: new Uint8Array(PART_OCTETS).fill(9) },
  { type: 'statePart', version: 1, index: 0, count: 1, octets: new Uint8Array(0) },
];

/** For tests: messages of each kind. */
export const MESSAGES: readonly Message[] = BODIES.flatMap((body) => [
  { sender: record(), body, news: [] },
  { sender: record({ node: LONGEST, status: 'left', incarnation: MAX_INCARNATION, stateVersion: MAX_SEQUENCE }), body, news: [] },
  {
    sender: record(),
    body,
    news: MEMBER_STATUSES.map((status, index) => record({ status, state: index === 1 ? Uint8Array.of(1, 2, 3) : null })),
  },
]);

/** For tests: a state with something of everything. */
export const STATE = {
  serving: true, unable: ['eth1,eth2', 'can_reach:192.0.2.1', 'Straße'], held: ['192.0.2.1', '2001:db8::1', '255.255.255.255', '::'],
} as const;
