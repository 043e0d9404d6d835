import type { Logger } from '../../../core/log/logger.ts';
import { NETLINK_ROUTE, openNetlinkSocket } from '../../../core/os/netlinkSocket.ts';
import { AF_INET, AF_INET6 } from '../../../core/os/socketAddress.ts';
import type { PolicyRouting } from '../kernel/kernelParts.ts';
import { parseAddressOctets } from './addressOctets.ts';
import { createNetlinkClient, type NetlinkClient, type NetlinkRequest } from './netlinkClient.ts';
import { NetlinkError } from './netlinkError.ts';
import { NLM } from './netlinkMessage.ts';
import {
  decodeRouteMessage, encodeLocalDefaultRoute, encodeRouteDump, encodeRouteLookup, ROUTE_LOCAL, RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE,
  type LocalDefaultRoute,
} from './routeMessage.ts';
import { decodeMarkRule, encodeMarkRule, encodeRuleDump, RTM_DELRULE, RTM_GETRULE, RTM_NEWRULE, type MarkRule } from './ruleMessage.ts';

/** Who has made a rule or route (rtnetlink(7)): a number that /etc/iproute2/rt_protos gives to nobody, by which we know our own. */
export const GATEHOUSE_PROTOCOL = 103;
/** Behind `local` (0), ahead of what container networks add for their own marks and of `main` (32766). */
export const RULE_PREFERENCE = 90;

type Family = LocalDefaultRoute['family'];

const FAMILIES: readonly Family[] = [AF_INET, AF_INET6];
const FAMILY_NAMES: Readonly<Record<Family, string>> = { [AF_INET]: 'IPv4', [AF_INET6]: 'IPv6' };
/** For documentation (RFC 5737, RFC 3849): nobody has routes to these. */
const SOMEWHERE: Readonly<Record<Family, string>> = { [AF_INET]: '192.0.2.1', [AF_INET6]: '2001:db8::1' };
/** The same in every network namespace. */
const LOOPBACK_INDEX = 1;
/** The node has no IPv6: the kernel was built or started without (the first two), or a sysctl forbids it on lo. */
const NO_IPV6: readonly string[] = ['EAFNOSUPPORT', 'ENOTSUP', 'EACCES'];

/**
 * Policy routing of this process's network namespace, by rtnetlink. Rules and routes of an earlier run are known by their
 * protocol, also when mark and table were others then. Both calls reject with NetlinkError or SystemError; IPv6 is left out on nodes without.
 */
export function createPolicyRouting({ log }: { readonly log: Logger }): PolicyRouting {
  let toldOfIpv6 = false;
  const tellOfIpv6 = (error: NetlinkError): void => {
    if (!toldOfIpv6) log.info('this node has no IPv6: VIPs of that family cannot be proxied here', { error });
    toldOfIpv6 = true;
  };
  return {
    ensure: async (mark, table) => withClient((client) => {
      for (const family of FAMILIES) {
        try {
          ensureFamily(client, { family, mark, table });
        } catch (error) {
          if (family === AF_INET || !(error instanceof NetlinkError && NO_IPV6.includes(error.errnoName))) throw error;
          tellOfIpv6(error);
        }
      }
    }),
    remove: async () => withClient((client) => {
      for (const family of FAMILIES) {
        for (const rule of ownRules(client, family)) deleteRule(client, rule);
        for (const table of ownTables(client, family)) deleteRoute(client, family, table);
      }
    }),
  };
}

interface Wanted {
  readonly family: Family;
  readonly mark: number;
  readonly table: number;
}

/** The route comes first, so that no packet is led to an empty table; it goes last. */
function ensureFamily(client: NetlinkClient, { family, mark, table }: Wanted): void {
  tolerate('EEXIST', client, { ...routeChange(RTM_NEWROUTE, family, table), flags: NLM.create | NLM.exclusive });
  const wanted = { family, preference: RULE_PREFERENCE, mark, mask: mark, table, protocol: GATEHOUSE_PROTOCOL };
  const standing = ownRules(client, family);
  if (!standing.some((rule) => isSameRule(rule, wanted))) {
    tolerate('EEXIST', client, { ...ruleChange(RTM_NEWRULE, wanted), flags: NLM.create | NLM.exclusive });
  }
  for (const rule of standing) {
    if (isSameRule(rule, wanted)) continue;
    deleteRule(client, rule);
    if (rule.table !== table) deleteRoute(client, family, rule.table);
  }
  if (!isLedHere(client, wanted)) throw new NetlinkError('ineffective', `lead ${FAMILY_NAMES[family]} packets with mark ${hex(mark)} to the proxy`);
}

/** Asks where packets with the mark go, as rules of others may come first and the table may be in use. */
function isLedHere(client: NetlinkClient, { family, mark, table }: MarkRule & { readonly family: Family }): boolean {
  const address = parseAddressOctets(SOMEWHERE[family]);
  if (address === null) return false;
  const parts = encodeRouteLookup(address, mark);
  const [answer] = client.request({ type: RTM_GETROUTE, parts, purpose: `look up the route of ${FAMILY_NAMES[family]} packets with mark ${hex(mark)}` });
  const route = answer === undefined ? null : decodeRouteMessage(answer.payload);
  return route?.type === ROUTE_LOCAL && route.table === table;
}

function ownRules(client: NetlinkClient, family: Family): readonly MarkRule[] {
  const purpose = `list ${FAMILY_NAMES[family]} routing rules`;
  const rules = client.dump({ type: RTM_GETRULE, parts: encodeRuleDump(family), purpose }).map(({ payload }) => decodeMarkRule(payload));
  // Without IPv6 in the kernel, the list is that of all families.
  return [...rules].filter((rule) => rule !== null).filter((rule) => rule.family === family && rule.protocol === GATEHOUSE_PROTOCOL);
}

/** Tables with a route of ours: rules may have been taken away by others. */
function ownTables(client: NetlinkClient, family: Family): ReadonlySet<number> {
  const tables = new Set<number>();
  const purpose = `list ${FAMILY_NAMES[family]} routes`;
  for (const { payload } of client.dump({ type: RTM_GETROUTE, parts: encodeRouteDump(family, GATEHOUSE_PROTOCOL), purpose })) {
    const route = decodeRouteMessage(payload);
    if (route?.family !== family || route.protocol !== GATEHOUSE_PROTOCOL) continue;
    if (route.type === ROUTE_LOCAL && route.prefixLength === 0) tables.add(route.table);
  }
  return tables;
}

function deleteRule(client: NetlinkClient, rule: MarkRule): void {
  tolerate('ENOENT', client, ruleChange(RTM_DELRULE, rule));
}

function deleteRoute(client: NetlinkClient, family: Family, table: number): void {
  tolerate('ESRCH', client, routeChange(RTM_DELROUTE, family, table));
}

function ruleChange(type: typeof RTM_NEWRULE | typeof RTM_DELRULE, rule: MarkRule): NetlinkRequest {
  const verb = type === RTM_NEWRULE ? 'add' : 'delete';
  return { type, parts: encodeMarkRule(rule), purpose: `${verb} the routing rule for packets with mark ${hex(rule.mark)}, table ${rule.table}` };
}

function routeChange(type: typeof RTM_NEWROUTE | typeof RTM_DELROUTE, family: Family, table: number): NetlinkRequest {
  const verb = type === RTM_NEWROUTE ? 'add' : 'delete';
  const route: LocalDefaultRoute = { family, table, protocol: GATEHOUSE_PROTOCOL, interfaceIndex: LOOPBACK_INDEX };
  return { type, parts: encodeLocalDefaultRoute(route), purpose: `${verb} the ${FAMILY_NAMES[family]} route to this machine in table ${table}` };
}

/** Carries out what may have been done already, which the kernel says by `errnoName`. */
function tolerate(errnoName: string, client: NetlinkClient, request: NetlinkRequest): void {
  try {
    client.request(request);
  } catch (error) {
    if (!(error instanceof NetlinkError && error.errnoName === errnoName)) throw error;
  }
}

function isSameRule(a: MarkRule, b: MarkRule): boolean {
  return a.preference === b.preference && a.mark === b.mark && a.mask === b.mask && a.table === b.table;
}

function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}

function withClient(work: (client: NetlinkClient) => void): void {
  const client = createNetlinkClient(openNetlinkSocket({ protocol: NETLINK_ROUTE, groups: [], datagramBytes: 1 << 16, queueBytes: null }));
  try {
    work(client);
  } finally {
    client.close();
  }
}
