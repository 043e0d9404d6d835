import type { Logger } from '../../core/log/logger.ts';
import type { AnnouncerEvent } from '../announcer/report.ts';

/** One line for each thing that happens to VIPs and to BGP peers. */
export function logAnnouncerEvent(event: AnnouncerEvent, logger: Logger): void {
  switch (event.type) {
    case 'conflict': return logger.warn('another station uses an address that is announced here', { ...event });
    case 'moved': return logger.info('the owner of an address changes', { ...event });
    case 'bgpPeer': return event.up ? logger.info('a BGP session is established', { ...event }) : logger.warn('a BGP session is down', { ...event });
  }
}
