import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Cluster } from './cluster.ts';
import { vipOf, type LabService } from './labObjects.ts';
import { repliers } from './neighbours.ts';
import { sniff } from './sniffer.ts';

/** A node that does not own a VIP, and what happens while it is listened to. */
export interface LoserCase {
  readonly service: LabService;
  readonly loser: number;
  readonly what: () => Promise<void>;
}

/** Fails if the node sends any ARP or NDP frame about the VIPs of a Service while `what` goes on, and while clients ask for them after that. */
export async function assertSilentAfter(t: TestContext, { lab }: Cluster, { service, loser, what }: LoserCase): Promise<void> {
  const { ipv4, ipv6 } = vipOf(service);
  // At the node itself: the port of a cable that is pulled cannot be listened to.
  const sniffer = await sniff(t, lab.node(loser), 'arp or (icmp6 and ip6[40] == 136)', { direction: 'out' });
  await what();
  for (const address of [ipv4, ipv6]) await repliers(lab.client, address);
  const said = claims(await sniffer.stop(), { ipv4, ipv6 });
  assert.deepEqual(said, [], `node ${loser} still speaks for ${service.name}`);
}

/** The lines in which somebody says to have an address: ARP replies, gratuitous requests (who asks is whom it asks for), advertisements. */
export function claims(lines: readonly string[], { ipv4, ipv6 }: { readonly ipv4: string; readonly ipv6: string }): readonly string[] {
  const said = [`Reply ${ipv4} is-at`, `who-has ${ipv4} tell ${ipv4}`, `who-has ${ipv4} (ff:ff:ff:ff:ff:ff) tell ${ipv4}`, `Announcement ${ipv4}`, `tgt is ${ipv6},`];
  return lines.filter((line) => said.some((each) => line.includes(each)));
}
