import { groupOf, type Decoding } from './decoding.ts';
import { reportUnknownFields } from './unknownFields.ts';
import type { BFDProfile } from '../model/bgpPeer.ts';

const FIELDS = [
  'receiveInterval',
  'transmitInterval',
  'detectMultiplier',
  'echoInterval',
  'echoMode',
  'passiveMode',
  'minimumTtl',
];

const INTERVAL_MS = { min: 10, max: 60_000 } as const;

/** Defaults of FRR, which are those of MetalLB. */
const DEFAULT_INTERVAL_MS = 300;
const DEFAULT_ECHO_INTERVAL_MS = 50;
const DEFAULT_DETECT_MULTIPLIER = 3;
const MAX_TTL = 254;

/** gatehouse.dev/v1 or metallb.io/v1beta1 BFDProfile. */
export function decodeBFDProfile(decoding: Decoding): BFDProfile | null {
  const { object, base } = decoding;
  const spec = object.optionalMap('spec');
  reportUnknownFields(spec, FIELDS);
  const intervalMs = (key: string): number | null => spec.integer(key, INTERVAL_MS.min, INTERVAL_MS.max);
  const profile: BFDProfile = {
    ...base,
    kind: 'BFDProfile',
    group: groupOf(decoding),
    receiveIntervalMs: intervalMs('receiveInterval') ?? DEFAULT_INTERVAL_MS,
    transmitIntervalMs: intervalMs('transmitInterval') ?? DEFAULT_INTERVAL_MS,
    detectMultiplier: spec.integer('detectMultiplier', 2, 255) ?? DEFAULT_DETECT_MULTIPLIER,
    echoIntervalMs: intervalMs('echoInterval') ?? DEFAULT_ECHO_INTERVAL_MS,
    echoMode: spec.flag('echoMode') ?? false,
    passiveMode: spec.flag('passiveMode') ?? false,
    minimumTtl: spec.integer('minimumTtl', 1, MAX_TTL) ?? MAX_TTL,
  };
  return object.failed ? null : profile;
}
