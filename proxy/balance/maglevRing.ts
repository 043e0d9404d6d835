import { at, isCandidate, type Candidates } from './candidates.ts';
import type { EndpointState } from './endpointState.ts';
import { hash32, mix32 } from '../../core/balance/hash32.ts';
import { buildMaglevTable } from '../../core/balance/maglevTable.ts';

const KEY_SEED = 0x6b65_7900;
/** Tells the draw for a gradual return apart from the place in the table. */
const RETURN_SEED = 0x7265_7475;
/** Places looked at before giving up on the table; with half of all endpoints out, 1 key in 4 billion gets there. */
const MAX_PROBES = 32;
const TWO_TO_THE_32 = 2 ** 32;
const GOLDEN = 0x9e37_79b9;

/**
 * Consistent hash over a cluster's ready endpoints. The table is built when it is first needed. Ejections and tries do
 * not change it: a key whose endpoint is out goes on to its own next place, so no other key moves.
 */
export class MaglevRing {
  #members: readonly EndpointState[] = [];
  #table: Uint16Array | null = null;

  /** Replaces the members; the table is forgotten. */
  setMembers(members: readonly EndpointState[]): void {
    this.#members = members;
    this.#table = null;
  }

  /** The endpoint that owns `key` when all are well. There must be a member. */
  home(key: string): EndpointState {
    return this.#place(hash32(key, KEY_SEED));
  }

  /** The endpoint for `key` among the candidates. One that returns from an ejection takes its keys back gradually. */
  pick(key: string, candidates: Candidates): EndpointState {
    const hash = hash32(key, KEY_SEED);
    for (let probe = 0; probe < MAX_PROBES; probe += 1) {
      const probeHash = probe === 0 ? hash : mix32(hash + Math.imul(probe, GOLDEN));
      const state = this.#place(probeHash);
      if (isCandidate(candidates, state) && hasReturnedFor(probeHash, state)) return state;
    }
    return at(candidates.states, hash % candidates.states.length);
  }

  /** The first `size` different endpoints on the way of `key`, fewer when the candidates are fewer. */
  pickSubset(key: string, size: number, candidates: Candidates): EndpointState[] {
    const hash = hash32(key, KEY_SEED);
    const subset: EndpointState[] = [];
    for (let probe = 0; probe < MAX_PROBES * size && subset.length < size; probe += 1) {
      const probeHash = probe === 0 ? hash : mix32(hash + Math.imul(probe, GOLDEN));
      const state = this.#place(probeHash);
      if (subset.includes(state) || !isCandidate(candidates, state)) continue;
      if (hasReturnedFor(probeHash, state)) subset.push(state);
    }
    return subset.length > 0 ? subset : [at(candidates.states, hash % candidates.states.length)];
  }

  #place(hash: number): EndpointState {
    const table = (this.#table ??= buildMaglevTable(
      this.#members.map((state) => ({ key: state.key, weight: state.endpoint.weight })),
    ));
    return at(this.#members, table[hash % table.length] as number);
  }
}

/** Always the same answer for one key and share, and more keys as the share grows: none goes back and forth. */
function hasReturnedFor(hash: number, state: EndpointState): boolean {
  const { weight } = state.endpoint;
  return state.share >= weight || mix32(hash ^ RETURN_SEED) < (state.share / weight) * TWO_TO_THE_32;
}
