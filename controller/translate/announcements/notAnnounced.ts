import type { Problem } from '../../../core/ir/problem.ts';
import type { ObjectIndex } from '../../model/store.ts';
import type { TranslateOptions } from '../translation.ts';
import { problemOf } from '../problemOf.ts';

/** Kinds that ask for addresses to be announced. */
const KINDS = ['L2Advertisement', 'BGPAdvertisement', 'BGPPeer'] as const;

/** One warning per object whose wish is checked and not fulfilled: nobody is to wait for a session or an answer to ARP. */
export function notAnnounced(objects: ObjectIndex, options: Pick<TranslateOptions, 'vips' | 'kernelRefusal'>): readonly Problem[] {
  const silence = silenceOf(options);
  if (silence === null) return [];
  const effect = 'addresses are reached where they are on a machine already, or where the network routes them to';
  const rule = `is not carried out by this machine: ${silence}`;
  return KINDS.flatMap((kind) => [...objects.list(kind)]).map((object) => problemOf(object, { severity: 'warning', field: '', rule, effect }));
}

/** Why nothing is announced by this machine, in words that say what to do; null: it is. */
export function silenceOf({ vips, kernelRefusal }: Pick<TranslateOptions, 'vips' | 'kernelRefusal'>): string | null {
  switch (vips) {
    case 'off': return '--vips off is given';
    case 'bind': return '--vips bind is given';
    case 'auto':
    case 'kernel': return kernelRefusal;
  }
}
