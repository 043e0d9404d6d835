import { addressOctets } from '../../../../core/net/addressOctets.ts';
import { encodeArpProbe, encodeArpReply, encodeArpRequest, encodeGratuitousReply, encodeGratuitousRequest } from '../arp.ts';
import { TO_ALL_NODES, encodeAdvertisement, encodeDuplicateDetection, encodeSolicitation, encodeUnsolicitedAdvertisement } from '../encodeNdp.ts';
import { CLIENT4, CLIENT6, CLIENT_MAC, OTHER_MAC, OWN_MAC, VIP4_OCTETS, VIP6_OCTETS } from './lan.ts';

const CLIENT_V4 = { mac: CLIENT_MAC, ip: CLIENT4 };
const CLIENT_V6 = { mac: CLIENT_MAC, ip: CLIENT6 };
const OTHER_V4 = { mac: OTHER_MAC, ip: VIP4_OCTETS };
const OTHER_V6 = { mac: OTHER_MAC, ip: VIP6_OCTETS };
const US_V6 = { mac: OWN_MAC, ip: VIP6_OCTETS };

/** For tests: good frames of every kind, by name. */
export const FRAMES: ReadonlyMap<string, Uint8Array> = new Map([
  ['request', encodeArpRequest(CLIENT_V4, VIP4_OCTETS)],
  ['probe', encodeArpProbe(CLIENT_MAC, VIP4_OCTETS)],
  ['reply', encodeArpReply(OTHER_V4, CLIENT_V4)],
  ['gratuitous request', encodeGratuitousRequest(OTHER_V4)],
  ['gratuitous reply', encodeGratuitousReply(OTHER_V4)],
  ['solicitation', encodeSolicitation(CLIENT_V6, VIP6_OCTETS)],
  ['reachability probe', encodeSolicitation(CLIENT_V6, VIP6_OCTETS, { to: US_V6, linkLayer: false })],
  ['duplicate detection', encodeDuplicateDetection(CLIENT_MAC, VIP6_OCTETS)],
  ['solicited advertisement', encodeAdvertisement(OTHER_V6, CLIENT_V6, { solicited: true, override: true })],
  ['advertisement without flags', encodeAdvertisement(OTHER_V6, TO_ALL_NODES, { solicited: false, override: false })],
  ['unsolicited advertisement', encodeUnsolicitedAdvertisement(OTHER_V6)],
  ['solicitation from link-local', encodeSolicitation({ mac: CLIENT_MAC, ip: addressOctets('fe80::99') }, VIP6_OCTETS)],
]);
