import type { AnnouncerEvent, AnnouncerReport } from '../announcer/report.ts';

/** Answer of `GET /api/v1/announcements`: what this node's announcer does, and what has happened lately, oldest first. */
export interface AnnouncementsView extends AnnouncerReport {
  /** An announcer has told something; else everything is empty. */
  readonly running: boolean;
  readonly events: readonly AnnouncerEvent[];
  /** Empty: nothing is wrong between the nodes. */
  readonly problems: readonly string[];
}

/** Ours: some hours of an unquiet network. */
const MAX_EVENTS = 200;

const NOTHING: AnnouncerReport = { generation: 0, vips: [], members: [], kernel: { programmed: false, ports: 0, problems: [] }, interfaces: [] };

/** Remembers the last events. */
export class AnnouncerJournal {
  #events: readonly AnnouncerEvent[] = [];

  add(event: AnnouncerEvent): void {
    this.#events = [...this.#events.slice(1 - MAX_EVENTS), event];
  }

  view(report: AnnouncerReport | null): AnnouncementsView {
    return { ...(report ?? NOTHING), running: report !== null, events: this.#events, problems: report?.problems ?? [] };
  }
}
