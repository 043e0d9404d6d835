import { encodeArpProbe, encodeArpReply, encodeGratuitousReply, encodeGratuitousRequest } from './arp.ts';
import type { Asker } from './askers.ts';
import { encodeAdvertisement, encodeDuplicateDetection, encodeUnsolicitedAdvertisement } from './encodeNdp.ts';
import type { Outbox } from './outbox.ts';
import type { VipLink } from './vip.ts';

const IPV4_LENGTH = 4;

/**
 * Tells all stations of a link that the VIP is here. Answers the frames: for ARP both forms, as some stations learn from
 * requests only and some from replies only.
 */
export function announce(on: VipLink, outbox: Outbox): number {
  const speaker = { mac: on.link.mac, ip: on.vip.octets };
  if (speaker.ip.length !== IPV4_LENGTH) {
    outbox.gratuitous(on, encodeUnsolicitedAdvertisement(speaker));
    return 1;
  }
  outbox.gratuitous(on, encodeGratuitousRequest(speaker));
  outbox.gratuitous(on, encodeGratuitousReply(speaker));
  return 2;
}

/** Asks whether another station has the VIP (RFC 5227 section 2.1.1, RFC 4862 section 5.4); one frame. */
export function probe({ link, vip }: VipLink, outbox: Outbox): number {
  outbox.probe(link, vip.octets.length === IPV4_LENGTH ? encodeArpProbe(link.mac, vip.octets) : encodeDuplicateDetection(link.mac, vip.octets));
  return 1;
}

/**
 * Tells one client the same; one frame. The first round is gratuitous in form, which Linux heeds at any time; the second is
 * like an answer, for those who heed answers only (Linux does so unless its entry is younger than a second).
 */
export function announceTo(client: Asker, on: VipLink, { round, outbox }: { readonly round: number; readonly outbox: Outbox }): void {
  const speaker = { mac: on.link.mac, ip: on.vip.octets };
  if (speaker.ip.length !== IPV4_LENGTH) outbox.gratuitous(on, encodeAdvertisement(speaker, client, { solicited: false, override: true }));
  else outbox.gratuitous(on, round === 0 ? encodeGratuitousReply(speaker, client.mac) : encodeArpReply(speaker, client));
}
