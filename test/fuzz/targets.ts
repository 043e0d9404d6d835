import { fuzzedSessions, mutationRun as mutateBfd } from '../../controller/announcer/bfd/testing/mutationRun.ts';
import { mutationRun as mutateBgp } from '../../controller/announcer/bgp/codec/testing/mutationRun.ts';
import { fuzzedMachine, mutationRun as mutateFrames } from '../../controller/announcer/l2/testing/mutationRun.ts';
import { mutationRun as mutateMembership } from '../../controller/announcer/membership/testing/mutationRun.ts';
import { randomFrom } from '../../core/testing/random.ts';
import { mutationRun as mutateHttp } from '../../proxy/http/h1/fixture/mutationRun.ts';

/** Begins anew from a seed; what it answers mutates one input with each call, and throws at a finding, the input in its message. */
export type FuzzTarget = (seed: number) => () => void;

/** By name, in the order they are run. */
export const TARGETS: ReadonlyMap<string, FuzzTarget> = new Map<string, FuzzTarget>([
  // HTTP/1.1 messages.
  ['http', (seed) => {
    const random = randomFrom(seed);
    return () => mutateHttp(random);
  }],
  // ARP and NDP frames.
  ['frames', (seed) => {
    const { fraction } = randomFrom(seed);
    const fuzzed = fuzzedMachine();
    return () => mutateFrames(fuzzed, fraction);
  }],
  // Messages and states of membership, and datagrams without a key.
  ['membership', (seed) => {
    const random = randomFrom(seed);
    return () => mutateMembership(random);
  }],
  // BGP messages.
  ['bgp', (seed) => {
    const { fraction } = randomFrom(seed);
    return () => mutateBgp(fraction);
  }],
  // BFD Control and Echo packets, through sessions.
  ['bfd', (seed) => {
    const random = randomFrom(seed);
    const fuzzed = fuzzedSessions(random);
    return () => mutateBfd(fuzzed, random);
  }],
]);
