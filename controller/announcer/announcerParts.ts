import type { Logger } from '../../core/log/logger.ts';
import { monotonicClock, type Clock } from '../../core/time/clock.ts';
import type { BgpSpeaker, BgpSpeakerEvents } from './bgp/bgpSpeaker.ts';
import { createLazyBgpSpeaker } from './bgp/lazyBgpSpeaker.ts';
import { createInterfaceWatch } from './interfaces/interfaceWatch.ts';
import { createKernelForwarding } from './kernel/kernelForwarding.ts';
import { createNft } from './kernel/nft.ts';
import { createTableWatch } from './kernel/tableWatch.ts';
import { createSysctls } from './kernel/sysctls.ts';
import { createL2Speaker } from './l2/thread/l2Speaker.ts';
import { createMembership, type GossipMembership } from './membership/membership.ts';
import { createConntrackFlush } from './netlink/conntrackFlush.ts';
import { createPolicyRouting } from './netlink/policyRouting.ts';
import { createProxyHealth, type ProxyHealth } from './proxyHealth/proxyHealth.ts';
import type { InterfaceWatch, KernelForwarding, L2Speaker, L2SpeakerEvents } from './parts.ts';
import type { KernelReport } from './report.ts';
import type { AnnouncerSettings } from './wanted.ts';

/** What the parts of an announcer tell it. */
export interface PartEvents extends L2SpeakerEvents {
  readonly lapsed: () => void;
  readonly interfacesChanged: () => void;
  readonly membersChanged: () => void;
  /** Something in the kernel has changed that nobody asked for. */
  readonly kernelReported: (report: KernelReport) => void;
  readonly bgp: BgpSpeakerEvents;
}

/** The membership as an announcer needs it. */
export type AnnouncerMembership = Pick<
  GossipMembership, 'start' | 'stop' | 'setNodes' | 'setState' | 'alive' | 'members' | 'refresh' | 'abandon' | 'counts' | 'troubles'
>;

/** Everything of an announcer that touches the machine. Nothing of it does before its start. */
export interface AnnouncerParts {
  readonly interfaces: InterfaceWatch;
  readonly kernel: KernelForwarding;
  readonly membership: AnnouncerMembership;
  readonly speaker: L2Speaker;
  readonly bgp: BgpSpeaker;
  readonly proxyHealth: ProxyHealth;
  /** CLOCK_MONOTONIC, as that of the controller. */
  readonly clock: Clock;
  /** Since the epoch. */
  readonly wallClock: Clock;
}

/** What parts are made with beside the settings. */
export interface PartTools {
  readonly logger: Logger;
  readonly events: PartEvents;
  /** Another announcer's work is carried on. */
  readonly restarting: boolean;
  /** Something failed that leaves the state of the process in doubt. */
  readonly failed: (error: unknown) => void;
}

/** Those of this machine. Throws RangeError when the membership's key or the node's name cannot be used. */
export function createAnnouncerParts(settings: AnnouncerSettings, { logger, events, restarting, failed }: PartTools): AnnouncerParts {
  const clock = monotonicClock;
  const wallClock: Clock = { now: () => Date.now() };
  const { nodeName, membershipPort: port, membershipKey: key, gratuitousIntervalMs } = settings;
  return {
    interfaces: createInterfaceWatch({ log: logger, onChange: events.interfacesChanged }),
    kernel: createKernelForwarding({
      settings, nft: createNft(), sysctls: createSysctls(), log: logger, reported: events.kernelReported,
      routing: createPolicyRouting({ log: logger }), conntrack: createConntrackFlush(), tableWatch: createTableWatch(),
    }),
    membership: createMembership({ nodeName, port, key, logger, clock, onChange: events.membersChanged }),
    speaker: createL2Speaker({ events, logger, gratuitousIntervalMs }),
    bgp: createLazyBgpSpeaker({
      failed,
      load: async () => {
        const { createMachineBgpSpeaker } = await import('./bgp/speaker/machineBgpSpeaker.ts');
        return createMachineBgpSpeaker({ nodeName, restarting, logger, events: events.bgp, clock, wallClock });
      },
    }),
    proxyHealth: createProxyHealth(),
    clock,
    wallClock,
  };
}
