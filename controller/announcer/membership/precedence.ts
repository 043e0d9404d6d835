import { MEMBER_STATUSES, type MemberRecord } from './message.ts';

/** What precedence looks at. */
export type Standing = Pick<MemberRecord, 'status' | 'boot' | 'incarnation'>;

/**
 * True when `said` outranks what is `known` of the same member: a later incarnation, or at the same one a worse status (SWIM section
 * 4.2). Unlike there, `dead` does not outrank later incarnations: whoever lives is believed, so a member rejoins by one message.
 */
export function outranks(said: Standing, known: Standing): boolean {
  if (said.incarnation !== known.incarnation) return said.incarnation > known.incarnation;
  return MEMBER_STATUSES.indexOf(said.status) > MEMBER_STATUSES.indexOf(known.status);
}

/**
 * True when a member must contradict what is `said` of it. A record of another boot is of its own earlier life, which its clock may
 * have put later than this one.
 */
export function mustRefute(said: Standing, self: Standing): boolean {
  if (said.incarnation !== self.incarnation) return said.incarnation > self.incarnation;
  return said.status !== 'alive' || said.boot !== self.boot;
}
