import { macNumber } from './macAddress.ts';
import { beginAnnouncing, hasTwin, isAnnounced } from './phases.ts';
import type { VipLink } from './vip.ts';

/** Ours: an announcement of our own is heard within this time; what says so later is somebody else's, in our name. */
const HEARD_WITHIN_MS = 500;

/**
 * A frame of this machine that says to have the VIP was heard on `on`: if another interface has just announced it, both are on one
 * network, where one address must have one MAC. The interface with the lower index speaks, the other is silent for this VIP.
 */
export function seeOwnFrame(on: VipLink, source: Uint8Array, nowMs: number): void {
  const other = announcerOf(on, macNumber(source), nowMs);
  if (other === null) return;
  const [speaker, silent] = other.link.index < on.link.index ? [other, on] : [on, other];
  if (hasTwin(silent)) return;
  silent.twin = speaker.link;
  // Who has heard the other one, too, is to know this one.
  if (isAnnounced(speaker)) beginAnnouncing(speaker, nowMs);
}

/** The other interface that has announced the VIP a moment ago, under that MAC; null: none has. */
function announcerOf({ vip, link }: VipLink, mac: number, nowMs: number): VipLink | null {
  for (const other of vip.links.values()) {
    if (other.link !== link && macNumber(other.link.mac) === mac && nowMs - other.announcedMs <= HEARD_WITHIN_MS) return other;
  }
  return null;
}
