import type { L2Interface } from '../parts.ts';
import type { AnnouncedVip } from '../wanted.ts';
import { wishKey } from '../ownership/eligibleNodes.ts';
import type { InterfaceView } from './engineEvents.ts';

/** Which interfaces announce which VIP, looked up once for VIPs with the same wish: many VIPs have few wishes. */
export interface InterfaceChoices {
  of(vip: AnnouncedVip): readonly L2Interface[];
}

/** `view`: null while no interface is known. */
export function interfaceChoices(view: InterfaceView | null): InterfaceChoices {
  const byKey = new Map<string, readonly L2Interface[]>();
  return {
    of: (vip) => {
      if (view === null) return [];
      const key = wishKey(vip);
      const known = byKey.get(key);
      if (known !== undefined) return known;
      const chosen = view.choose(vip.interfaces, vip.address.includes(':') ? 'IPv6' : 'IPv4');
      byKey.set(key, chosen);
      return chosen;
    },
  };
}
