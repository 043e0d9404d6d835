import { encodeMessage } from '../codec.ts';
import type { BgpMessage, CodecOptions, PathAttributes } from '../message.ts';
import { ceaseNotification, hardReset } from '../notification.ts';
import { MODERN_CODEC, PLAIN_ATTRIBUTES } from './codecOptions.ts';
import { rawAttribute, rawOpen, rawUpdate } from './rawMessage.ts';

const FULL: PathAttributes = {
  ...PLAIN_ATTRIBUTES, med: 1, localPref: 100, communities: [1, 2], largeCommunities: [[1, 2, 3]],
  linkBandwidth: { asn: 64_512, octetsPerSecond: 1e9, transitive: false },
};
const VIA_IPV6: PathAttributes = { ...FULL, nextHop: '2001:db8::1', linkLocalNextHop: 'fe80::1' };

/** For tests: messages of every type and form, which mutations start from. */
const MESSAGES: readonly BgpMessage[] = [
  { type: 'keepalive' },
  { type: 'routeRefresh', family: 'ipv6', subtype: 'begin' },
  hardReset(ceaseNotification(2, 'maintenance')),
  {
    type: 'open', asn: 4_200_000_000, holdTimeS: 90, routerId: '192.0.2.1', capabilities: [
      { type: 'multiprotocol', family: 'ipv6' }, { type: 'routeRefresh' }, { type: 'fourOctetAsn', asn: 4_200_000_000 },
      { type: 'gracefulRestart', restarting: true, notification: true, restartTimeS: 120, families: [{ family: 'ipv4', forwarding: true }] },
      { type: 'longLivedGracefulRestart', families: [{ family: 'ipv4', forwarding: true, staleTimeS: 3600 }] },
      { type: 'addPath', families: [{ family: 'ipv4', send: true, receive: true }] }, { type: 'extendedMessage' },
      { type: 'extendedNextHop', entries: [{ family: 'ipv4', nextHop: 'ipv6' }] }, { type: 'fqdn', hostName: 'node-1', domainName: 'example.org' },
      { type: 'role', role: 3 }, { type: 'enhancedRouteRefresh' },
    ],
  },
  { type: 'open', asn: 64_512, holdTimeS: 0, routerId: '192.0.2.1', capabilities: [{ type: 'other', code: 200, value: new Uint8Array(255) }] },
  { type: 'update', family: 'ipv4', withdrawn: [], attributes: FULL, announced: [{ pathId: null, prefix: '192.0.2.0/24' }, { pathId: null, prefix: '0.0.0.0/0' }] },
  { type: 'update', family: 'ipv4', withdrawn: [], attributes: VIA_IPV6, announced: [{ pathId: null, prefix: '192.0.2.10/32' }] },
  { type: 'update', family: 'ipv6', withdrawn: [], attributes: VIA_IPV6, announced: [{ pathId: null, prefix: '2001:db8::/33' }] },
  { type: 'update', family: 'ipv4', withdrawn: [{ pathId: null, prefix: '192.0.2.10/32' }], attributes: null, announced: [] },
  { type: 'update', family: 'ipv6', withdrawn: [{ pathId: null, prefix: '2001:db8::/64' }], attributes: null, announced: [] },
  { type: 'update', family: 'ipv6', withdrawn: [], attributes: null, announced: [] },
];

/** For tests: well-formed messages, and some that the encoder never makes. */
export const CORPUS: readonly Uint8Array[] = [
  ...MESSAGES.map((message) => encodeMessage(message, MODERN_CODEC)),
  rawOpen([255, 255, 0, 10, 2, 0, 2, 2, 0, 2, 0, 2, 6, 0]),
  rawUpdate({
    withdrawn: [0, 0, 0, 1, 24, 192, 0, 2],
    attributes: [
      rawAttribute(0xc0, 7, [0, 0, 0, 1, 192, 0, 2, 1]), rawAttribute(0x80, 9, [1, 1, 1, 1]), rawAttribute(0x80, 10, [1, 1, 1, 1]),
      rawAttribute(0xc0, 17, [2, 1, 0, 1, 0, 0]), rawAttribute(0xc0, 18, [0, 0, 0, 1, 1, 1, 1, 1]), rawAttribute(0xc0, 23, [1, 2, 3]),
      rawAttribute(0x80, 26, [1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 1]), rawAttribute(0x80, 29, [4, 0, 0, 1, 1]), rawAttribute(0xc0, 35, [0, 0, 0, 1]),
      rawAttribute(0xc0, 40, [1, 0, 1, 0]),
    ],
    nlri: [0, 0, 0, 1, 24, 192, 0, 2],
  }),
];

/** For tests: what a session may have agreed on. */
export const OPTIONS: readonly CodecOptions[] = [
  MODERN_CODEC,
  { ...MODERN_CODEC, fourOctetAsn: false, internal: true },
  { ...MODERN_CODEC, extendedMessages: true, addPathReceive: ['ipv4', 'ipv6'] },
  { ...MODERN_CODEC, families: ['ipv4'] },
];
