import { isFields } from '../../../core/ipc/messageShape.ts';
import { isAnnouncerReport } from '../isAnnouncerReport.ts';
import type { AnnouncerReport } from '../report.ts';

/** What an announcer tells the one that is to take its place: one line of JSON each. */
export type ToSuccessor =
  /** It has a controller that has not ended: not now. Repeated every WAIT_INTERVAL_MS. */
  | { readonly type: 'wait' }
  /**
   * It has stopped whatever two announcers cannot do at once, and changes the kernel no more; it still answers for its VIPs.
   * `report` is its last, null when it never was told what to do.
   */
  | { readonly type: 'yielded'; readonly report: AnnouncerReport | null };

/** What the other one says, in the end. */
export interface FromSuccessor {
  /** It answers for the VIPs now. */
  readonly type: 'carriesOn';
}

/** Ours. */
export const WAIT_INTERVAL_MS = 500;

/** Ours: a report of ten thousand VIPs has about 4 MiB. */
const MAX_LINE_LENGTH = 32 * 1024 * 1024;

/** A message as a line. */
export function printTakeoverMessage(message: ToSuccessor | FromSuccessor): string {
  return `${JSON.stringify(message)}\n`;
}

/** Null when the line is no such message. */
export function decodeToSuccessor(line: string): ToSuccessor | null {
  const value = parseJson(line);
  if (!isFields(value)) return null;
  if (value['type'] === 'wait') return { type: 'wait' };
  const { report } = value;
  if (value['type'] !== 'yielded' || (report !== null && !isAnnouncerReport(report))) return null;
  return { type: 'yielded', report };
}

/** Null when the line is no such message. */
export function decodeFromSuccessor(line: string): FromSuccessor | null {
  const value = parseJson(line);
  return isFields(value) && value['type'] === 'carriesOn' ? { type: 'carriesOn' } : null;
}

/** Cuts text that comes in pieces into whole lines; a line that never ends is given up as an empty one. */
export function createLineCutter(tell: (line: string) => void): (piece: string) => void {
  let rest = '';
  return (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) tell(line);
    if (rest.length <= MAX_LINE_LENGTH) return;
    rest = '';
    tell('');
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
