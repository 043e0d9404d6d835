import { isArrayOf, isCount, isFields, type Fields } from '../../core/ipc/messageShape.ts';
import { isBgpReportDelta } from '../announcer/bgp/isBgpReport.ts';
import { isAddress, isAnnouncerEvent, isAnnouncerReport } from '../announcer/isAnnouncerReport.ts';
import type { LeaseWishes } from '../announcer/leases.ts';
import type { FromAnnouncer } from '../announcer/messages.ts';

/**
 * Checks a message of the announcer process; null when it is none of this protocol. Every field is checked: the announcer
 * reads frames and datagrams of strangers, and whoever takes it over must find nothing here that takes its word.
 */
export function decodeFromAnnouncer(value: unknown): FromAnnouncer | null {
  return isFields(value) && isFromAnnouncer(value) ? value : null;
}

function isFromAnnouncer(value: Fields): value is Fields & FromAnnouncer {
  switch (value['type']) {
    case 'ready':
    case 'stopped': return true;
    case 'report': return isAnnouncerReport(value['report']);
    case 'event': return isAnnouncerEvent(value['event']);
    case 'bgp': return isBgpReportDelta(value['delta']);
    case 'leaseWishes': return isLeaseWishes(value['wishes']);
    default: return false;
  }
}

function isLeaseWishes(value: unknown): value is LeaseWishes {
  return isFields(value) && isCount(value['heeded']) && isArrayOf(value['wanted'], isAddress);
}
