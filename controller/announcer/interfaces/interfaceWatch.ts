import type { Logger } from '../../../core/log/logger.ts';
import { openNetlinkSocket } from '../../../core/os/netlinkSocket.ts';
import type { InterfaceWatch, Link } from '../parts.ts';
import { openInterfaceSession, type InterfaceSession, type OpenNetlinkSocket } from './interfaceSession.ts';
import { LINK_LIMITS } from './linkTable.ts';

/** What a watch is given. */
export interface InterfaceWatchDeps {
  readonly log: Logger;
  /**
   * `links()` or an answer that `routeTo()` has given is another now. Each time an interface goes down it is called before what follows
   * is taken, so that one that is back within a moment is seen to have been away.
   */
  readonly onChange: () => void;
  /** Default: the kernel's sockets. */
  readonly openSocket?: OpenNetlinkSocket;
}

/**
 * How often the sockets are looked at. Node.js cannot wait for a netlink socket in its event loop, and a thread that waits for it
 * would have to be started, fed, watched and stopped to save 20 system calls a second, in a process that wakes that often anyway.
 */
const LOOK_INTERVAL_MS = 50;
/** After a failure. */
const RETRY_DELAY_MS = 1_000;

/**
 * The interfaces of this process's network namespace. `start` throws NetlinkError or SystemError; what fails later is logged and
 * tried again, while what was known stays.
 */
export function createInterfaceWatch(deps: InterfaceWatchDeps): InterfaceWatch {
  const openSocket = deps.openSocket ?? openNetlinkSocket;
  let session: InterfaceSession | null = null;
  let known: readonly Link[] = [];
  let timer: NodeJS.Timeout | null = null;
  const warnOfOmitted = createOmissionWarning(deps.log);

  const open = (): InterfaceSession => {
    const opened = openInterfaceSession(openSocket);
    known = opened.links();
    session = opened;
    return opened;
  };
  const close = (): void => {
    session?.close();
    session = null;
  };
  const look = (): { readonly isChanged: boolean; readonly nextMs: number } => {
    try {
      const isNew = session === null;
      const current = session ?? open();
      const { isChanged, isMore } = current.look();
      known = current.links();
      warnOfOmitted(current.omitted());
      return { isChanged: isNew || isChanged, nextMs: isMore ? 0 : LOOK_INTERVAL_MS };
    } catch (error) {
      close();
      deps.log.warn('network interfaces cannot be watched; trying again, with what is known until then', { error });
      return { isChanged: false, nextMs: RETRY_DELAY_MS };
    }
  };
  const turn = (): void => {
    const { isChanged, nextMs } = look();
    timer = setTimeout(turn, nextMs);
    if (isChanged) deps.onChange();
  };
  return {
    start: async () => {
      if (timer !== null) return;
      open();
      timer = setTimeout(turn, LOOK_INTERVAL_MS);
    },
    stop: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      close();
    },
    links: () => known,
    routeTo: (address) => {
      try {
        return session?.routeTo(address) ?? null;
      } catch (error) {
        deps.log.warn('a route cannot be looked up', { address, error });
        return null;
      }
    },
  };
}

/** Warns once. */
function createOmissionWarning(log: Logger): (omitted: number) => void {
  let isTold = false;
  return (omitted) => {
    if (isTold || omitted === 0) return;
    isTold = true;
    log.warn('there are more network interfaces and addresses than are kept: VIPs may lack interfaces', { limits: LINK_LIMITS });
  };
}
