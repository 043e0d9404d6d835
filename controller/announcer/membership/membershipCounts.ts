import type { EnvelopeFault } from './envelope.ts';

/** Why a datagram was not listened to. */
export type MembershipFault =
  | EnvelopeFault
  /** Opened, but not a message. */
  | 'malformed'
  /** Somebody else uses our node name. */
  | 'ownName'
  /** No node of that name is known here (yet). */
  | 'unknownSender'
  /** Without a key: not from an address of the node that it says it is. */
  | 'wrongAddress'
  /** Seen before. */
  | 'replay';

/** What the machine counts. */
export interface MachineCounts {
  sent: number;
  sendErrors: number;
  probesFailed: number;
  suspicions: number;
  deaths: number;
  /** Times this node had to say that it lives. */
  refutations: number;
  /** Times this process was found to have stood still. */
  pauses: number;
  readonly faults: Record<MembershipFault, number>;
}

/** Since the start: for metrics. */
export interface MembershipCounts extends Readonly<Omit<MachineCounts, 'faults'>> {
  readonly received: number;
  readonly faults: Readonly<Record<MembershipFault, number>>;
}

export function newMachineCounts(): MachineCounts {
  return {
    sent: 0,
    sendErrors: 0,
    probesFailed: 0,
    suspicions: 0,
    deaths: 0,
    refutations: 0,
    pauses: 0,
    faults: {
      length: 0, magic: 0, version: 0, form: 0, authentication: 0, malformed: 0, ownName: 0, unknownSender: 0, wrongAddress: 0, replay: 0,
    },
  };
}
