import { decodeDuration, DURATION } from './duration.ts';
import type { FieldReader } from './fieldReader.ts';
import type { BGPPeer } from '../model/bgpPeer.ts';

/** The times of a BGPPeer, in ms. */
export type BgpTimers = Pick<BGPPeer, 'holdTimeMs' | 'keepaliveTimeMs' | 'connectTimeMs'>;

const MS_PER_SECOND = 1000;
/** Most seconds that OPEN carries (RFC 4271 section 4.2: two octets). */
const MAX_SECONDS = 65_535;
/** RFC 4271 section 4.2: zero, or at least three seconds. */
const MIN_HOLD_MS = 3000;
/** RFC 4271 section 4.4: keepalives at a third of the hold time. */
const KEEPALIVES_PER_HOLD = 3;

/**
 * Reads them: where one of hold and keepalive time is given, the other follows at the ratio of three. `zeroIsUnset`:
 * metallb.io/v1beta1, whose Go clients write "0s" where nothing is meant.
 */
export function decodeBgpTimers(spec: FieldReader, { zeroIsUnset }: { readonly zeroIsUnset: boolean }): BgpTimers {
  const timer = (key: string): number | null => {
    const timeMs = decodeDuration(spec, key);
    return timeMs === 0 && zeroIsUnset ? null : timeMs;
  };
  const hold = timer('holdTime');
  const keepalive = timer('keepaliveTime');
  const holdTimeMs = hold ?? (keepalive === null ? null : keepalive * KEEPALIVES_PER_HOLD);
  const keepaliveTimeMs = keepalive ?? (hold === null ? null : hold / KEEPALIVES_PER_HOLD);
  if (holdTimeMs !== null && keepaliveTimeMs !== null) checkHold(spec, holdTimeMs, keepaliveTimeMs);
  return { holdTimeMs, keepaliveTimeMs, connectTimeMs: decodeConnectTime(spec) };
}

function checkHold(spec: FieldReader, holdTimeMs: number, keepaliveTimeMs: number): void {
  if (holdTimeMs !== 0 && (holdTimeMs < MIN_HOLD_MS || holdTimeMs > MAX_SECONDS * MS_PER_SECOND)) {
    const key = spec.has('holdTime') ? 'holdTime' : 'keepaliveTime';
    const most = key === 'holdTime' ? MAX_SECONDS : MAX_SECONDS / KEEPALIVES_PER_HOLD;
    const why = key === 'holdTime' ? '' : ' where holdTime is left out, which is three times as long then';
    spec.fail(key, `must be 0s, or from ${key === 'holdTime' ? 3 : 1}s to ${most}s${why}`, spec.value(key));
  } else if (keepaliveTimeMs > holdTimeMs) {
    spec.fail('keepaliveTime', 'must not be longer than holdTime', spec.value('keepaliveTime'));
  }
}

function decodeConnectTime(spec: FieldReader): number | null {
  const timeMs = decodeDuration(spec, 'connectTime');
  if (timeMs === null) return null;
  const whole = timeMs % MS_PER_SECOND === 0 && timeMs >= MS_PER_SECOND && timeMs <= MAX_SECONDS * MS_PER_SECOND;
  if (!whole) spec.fail('connectTime', `${DURATION.rule}, in whole seconds from 1 to ${MAX_SECONDS}`, spec.value('connectTime'));
  return timeMs;
}
