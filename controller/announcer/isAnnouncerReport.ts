import { isIP } from 'node:net';
import { isArrayOf, isCount, isFields, isFiniteNumber, isFlag, isText, isTextOrNull } from '../../core/ipc/messageShape.ts';
import { isBgpPeerEvent } from './bgp/isBgpReport.ts';
import type { AnnouncerEvent, AnnouncerReport, FrameCounts, InterfaceReport, KernelReport, MemberReport, VipReport } from './report.ts';

const MEMBER_STATES: readonly MemberReport['state'][] = ['alive', 'suspect', 'dead', 'left'];

/** True for a complete report: every field is looked at, as whoever sent it may have been taken over. */
export function isAnnouncerReport(value: unknown): value is AnnouncerReport {
  return isFields(value) && isCount(value['generation'])
    && isArrayOf(value['vips'], isVipReport)
    && isArrayOf(value['members'], isMemberReport)
    && isKernelReport(value['kernel'])
    && isArrayOf(value['interfaces'], isInterfaceReport)
    && (value['problems'] === undefined || isArrayOf(value['problems'], isText));
}

/** True for a complete event. */
export function isAnnouncerEvent(value: unknown): value is AnnouncerEvent {
  if (isBgpPeerEvent(value)) return true;
  if (!isFields(value) || !isAddress(value['address']) || !isFiniteNumber(value['atMs'])) return false;
  switch (value['type']) {
    case 'moved': return isTextOrNull(value['from']) && isTextOrNull(value['to']) && isText(value['reason']);
    case 'conflict': return isText(value['interface']) && isText(value['mac']) && isFlag(value['defended']);
    default: return false;
  }
}

function isVipReport(value: unknown): value is VipReport {
  return isFields(value) && isAddress(value['address'])
    && isTextOrNull(value['owner']) && isArrayOf(value['sharers'], isText)
    && isArrayOf(value['interfaces'], isText) && isText(value['reason'])
    && (value['sinceMs'] === null || isFiniteNumber(value['sinceMs']))
    && isArrayOf(value['conflicts'], isText) && isFrameCounts(value['frames']);
}

function isFrameCounts(value: unknown): value is FrameCounts {
  return isFields(value)
    && [value['requestsReceived'], value['repliesSent'], value['gratuitousSent'], value['conflictsSeen']].every(isCount);
}

function isMemberReport(value: unknown): value is MemberReport {
  return isFields(value) && isText(value['node']) && isText(value['address'])
    && MEMBER_STATES.some((state) => state === value['state'])
    && isFiniteNumber(value['sinceMs']) && isFlag(value['serving']);
}

function isKernelReport(value: unknown): value is KernelReport {
  return isFields(value) && isFlag(value['programmed']) && isCount(value['ports']) && isArrayOf(value['problems'], isText);
}

function isInterfaceReport(value: unknown): value is InterfaceReport {
  return isFields(value) && isText(value['name']) && isText(value['mac']) && isFlag(value['up']) && isText(value['unused']);
}

/** True for an IP address; a zone may follow. */
export function isAddress(value: unknown): value is string {
  return isText(value) && isIP(value) !== 0;
}
