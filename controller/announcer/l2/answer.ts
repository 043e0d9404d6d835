import { encodeArpReply } from './arp.ts';
import { isYielding } from './conflict.ts';
import { TO_ALL_NODES, encodeAdvertisement } from './encodeNdp.ts';
import type { IgnoredReason } from './ignoredReason.ts';
import type { Outbox } from './outbox.ts';
import { hasTwin } from './phases.ts';
import type { ReplyLimit } from './replyLimit.ts';
import type { VipLink } from './vip.ts';

/** Who asks for a VIP, of either family. All octets are views of the frame. */
export interface Question {
  /** Where the answer goes. */
  readonly mac: Uint8Array;
  readonly ip: Uint8Array;
  /** What sharing chooses by (see sharing.ts). */
  readonly identity: Uint8Array;
  /** An ARP probe or duplicate address detection: the asker wants the address for itself. */
  readonly isDetection: boolean;
}

/** What is needed to answer. */
export interface AnswerContext {
  readonly nowMs: number;
  readonly limit: ReplyLimit;
  readonly outbox: Outbox;
}

const IPV4_LENGTH = 4;

/** Answers a question for a VIP of this interface. Answers why not, or null. */
export function answer(on: VipLink, question: Question, { nowMs, limit, outbox }: AnswerContext): IgnoredReason | null {
  const reason = countAndJudge(on, question, nowMs);
  if (reason !== null) return reason;
  if (!limit.take(question, on.vip.number, nowMs)) return 'rateLimit';
  outbox.reply(on, on.vip.octets.length === IPV4_LENGTH ? arpReply(on, question) : advertisement(on, question));
  return null;
}

function countAndJudge(on: VipLink, question: Question, nowMs: number): IgnoredReason | null {
  const { vip } = on;
  if (hasTwin(on)) return 'twin';
  vip.counts.requestsReceived += 1;
  switch (on.phase) {
    case 'probing':
    case 'held':
      return 'probing';
    case 'takenOver':
      return 'leaving';
    case 'leaving':
      // Most likely the new owner asks whether the address is free.
      if (question.isDetection) return 'leaving';
      break;
    case 'owning':
      if (isYielding(on, nowMs)) return 'leaving';
  }
  return isForAnother(on, question) ? 'otherSharer' : null;
}

/** Every node remembers all askers that it hears: they may fall to it later. */
function isForAnother(on: VipLink, question: Question): boolean {
  const { share } = on.vip;
  if (share === null) return false;
  const { mac, ip, identity } = question;
  if (!question.isDetection) share.askers.remember({ mac, ip, identity, interfaceIndex: on.link.index });
  return share.sharing.sharerOf(identity) !== share.self;
}

function arpReply({ vip, link }: VipLink, { mac, ip }: Question): Uint8Array {
  return encodeArpReply({ mac: link.mac, ip: vip.octets }, { mac, ip });
}

/**
 * The override flag is set: the VIP is neither anycast nor proxied here, its only station answers (RFC 4861 section
 * 7.2.4). Not while it is left, so that who has heard the new owner keeps to it and who knows nobody is served still.
 */
function advertisement({ vip, link, phase }: VipLink, question: Question): Uint8Array {
  const speaker = { mac: link.mac, ip: vip.octets };
  if (question.isDetection) return encodeAdvertisement(speaker, TO_ALL_NODES, { solicited: false, override: true });
  return encodeAdvertisement(speaker, question, { solicited: true, override: phase !== 'leaving' });
}
