import type { L2Answer } from '../parts.ts';
import type { AnnouncedVip } from '../wanted.ts';
import type { Decisions } from '../ownership/decision.ts';
import type { InterfaceChoices } from './interfaceChoices.ts';

/** A VIP that another node is about to answer for. */
export interface Leaving {
  /** Monotonic. */
  readonly untilMs: number;
  /** Who shared it until now, this node included; empty: it was owned. */
  readonly sharers: readonly string[];
}

/** What answers follow from. */
export interface AnswersInput {
  readonly self: string;
  readonly vips: ReadonlyMap<string, AnnouncedVip>;
  readonly decisions: Decisions;
  readonly leaving: ReadonlyMap<string, Leaving>;
  readonly choices: InterfaceChoices;
  /** VIPs that the kernel does not forward yet. */
  readonly awaited: { has(address: string): boolean };
  /** VIPs that nobody has owned before. */
  readonly unused: { has(address: string): boolean };
  /** How often each was announced again. */
  readonly announcements: ReadonlyMap<string, number>;
}

/** What this node answers for. Answers that are as before are the very same objects. */
export function nextAnswers(before: ReadonlyMap<string, L2Answer>, input: AnswersInput): Map<string, L2Answer> {
  const answers = new Map<string, L2Answer>();
  for (const vip of input.vips.values()) {
    const answer = answerFor(vip, input);
    if (answer === null) continue;
    const known = before.get(vip.address);
    answers.set(vip.address, known !== undefined && isSameAnswer(known, answer) ? known : answer);
  }
  return answers;
}

/** True when both have the very same answers in the same order. */
export function areSameAnswers(a: ReadonlyMap<string, L2Answer>, b: ReadonlyMap<string, L2Answer>): boolean {
  if (a.size !== b.size) return false;
  const others = b.values();
  for (const answer of a.values()) if (answer !== others.next().value) return false;
  return true;
}

function answerFor(vip: AnnouncedVip, input: AnswersInput): L2Answer | null {
  const { self, decisions, leaving, choices, awaited, unused, announcements } = input;
  const { address } = vip;
  const decision = decisions.get(address);
  const isOwned = decision?.owner === self;
  const isShared = decision?.sharers.includes(self) === true;
  const left = isOwned || isShared ? undefined : leaving.get(address);
  if (!isOwned && !isShared && left === undefined) return null;
  if (awaited.has(address)) return null;
  const interfaces = choices.of(vip);
  if (interfaces.length === 0) return null;
  const sharers = left?.sharers ?? decision?.sharers ?? [];
  return {
    address,
    interfaces,
    mode: sharers.length > 0 ? { type: 'perClient', self, nodes: sharers } : { type: 'owner' },
    leaving: left !== undefined,
    probe: isOwned && unused.has(address),
    announcement: announcements.get(address) ?? 0,
    leased: vip.ownership === 'lease',
  };
}

function isSameAnswer(a: L2Answer, b: L2Answer): boolean {
  return a.leaving === b.leaving && a.probe === b.probe && a.announcement === b.announcement && a.leased === b.leased && nodesOf(a) === nodesOf(b)
    && (a.interfaces === b.interfaces || (a.interfaces.length === b.interfaces.length
      && a.interfaces.every(({ index, name, mac }, at) => {
        const other = b.interfaces[at];
        return other?.index === index && other.name === name && other.mac === mac;
      })));
}

function nodesOf({ mode }: L2Answer): string {
  return mode.type === 'owner' ? '' : mode.nodes.join(' ');
}
