import { createBfdSpeaker } from '../../bfd/createBfdSpeaker.ts';
import type { BgpSpeaker } from '../bgpSpeaker.ts';
import { createBgpTransport } from '../transport/bgpTransport.ts';
import { createBgpSpeaker, type BgpSpeakerDependencies } from './createBgpSpeaker.ts';

/** A speaker over this machine's sockets. */
export function createMachineBgpSpeaker(dependencies: Omit<BgpSpeakerDependencies, 'createTransport' | 'createBfd' | 'random'>): BgpSpeaker {
  const { logger } = dependencies;
  return createBgpSpeaker({
    ...dependencies, random: Math.random,
    createTransport: (events, links) => createBgpTransport({ events, links, logger }),
    createBfd: (events) => createBfdSpeaker({ events, logger }),
  });
}
