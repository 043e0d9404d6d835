import type { MemberState } from '../parts.ts';
import type { AnnouncedVip } from '../wanted.ts';
import type { Decisions } from '../ownership/decision.ts';
import { UNABLE_ALL, UNABLE_LEASES, wishKey } from '../ownership/eligibleNodes.ts';
import type { InterfaceChoices } from './interfaceChoices.ts';
import type { LeaseBook } from './leaseBook.ts';

/** What a node's own state follows from. */
export interface OwnStateInput {
  readonly self: string;
  readonly vips: ReadonlyMap<string, AnnouncedVip>;
  /** What was decided last. */
  readonly decisions: Decisions;
  readonly alive: ReadonlyMap<string, MemberState>;
  readonly choices: InterfaceChoices;
  readonly serving: boolean;
  /** It may own VIPs: it knows who else is alive, and its kernel forwards. */
  readonly ready: boolean;
  readonly leases: Pick<LeaseBook, 'canHold' | 'rights'>;
  /** What it held may be another's by now. */
  readonly mayHold: boolean;
}

/** What this node tells the others about itself, small enough to be told whole: what others do not hear must not count here either. */
export function ownState(input: OwnStateInput): MemberState {
  const { self, vips, decisions, choices, serving, ready, leases } = input;
  if (!ready) return { serving, unable: [UNABLE_ALL], held: [] };
  const unable = new Set<string>();
  const held: string[] = [];
  for (const vip of vips.values()) {
    if (choices.of(vip).length === 0) unable.add(wishKey(vip));
    if (vip.ownership === 'lease' && !leases.canHold) unable.add(UNABLE_LEASES);
    // What was decided follows from the right, and must not be asked for it: each would wait for the other.
    const isHeld = vip.ownership === 'lease'
      ? leases.rights.has(vip.address)
      : input.mayHold && decisions.get(vip.address)?.owner === self && mayKeep(vip, input);
    if (isHeld) held.push(vip.address);
  }
  return { serving, unable: bounded([...unable].sort()), held: held.sort().slice(0, MAX_HELD) };
}

function mayKeep({ sticky, needsProxy, candidates }: AnnouncedVip, { self, serving, alive }: OwnStateInput): boolean {
  return sticky || (needsProxy && !serving && !candidates.some(({ node }) => node !== self && alive.get(node)?.serving === true));
}

export function isSameState(a: MemberState | undefined, b: MemberState): boolean {
  return a !== undefined && a.serving === b.serving && isSameList(a.unable, b.unable) && isSameList(a.held, b.held);
}

/** Membership carries 16 KiB: 700 addresses of 17 octets, and 4,000 octets of wishes at 4 per character at the worst. */
const MAX_HELD = 700;
const MAX_UNABLE_CHARACTERS = 1_000;

/** A wish that is not told would give VIPs to a node that cannot announce them, so that one with too many takes none. */
function bounded(unable: readonly string[]): readonly string[] {
  const characters = unable.reduce((sum, key) => sum + key.length + 1, 0);
  return characters > MAX_UNABLE_CHARACTERS ? [UNABLE_ALL] : unable;
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
