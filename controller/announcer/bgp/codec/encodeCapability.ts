import { afiOctets, familyOctets, SAFI_UNICAST } from './addressFamily.ts';
import {
  ADD_PATH_RECEIVE, ADD_PATH_SEND, CAPABILITY_CODE, FORWARDING_FLAG, MAX_CAPABILITY_LENGTH, MAX_RESTART_TIME_S,
  NOTIFICATION_FLAG, RESTART_FLAG,
} from './capabilityCode.ts';
import type { Capability } from './message.ts';
import { octets16, octets24, octets32, octets8 } from './octets.ts';
import { utf8UpTo } from './readableText.ts';

/** Host and domain names as implementations take them, octets each. */
const MAX_NAME_LENGTH = 64;

/** Code, length and value (RFC 5492 section 4). Throws RangeError when a number does not fit in its field. */
export function encodeCapability(capability: Capability): readonly number[] {
  const value = valueOf(capability);
  if (value.length > MAX_CAPABILITY_LENGTH) {
    throw new RangeError(`a capability of ${value.length} octets is longer than ${MAX_CAPABILITY_LENGTH}`);
  }
  const code = capability.type === 'other' ? capability.code : CAPABILITY_CODE[capability.type];
  return [...octets8(code), value.length, ...value];
}

function valueOf(capability: Capability): readonly number[] {
  switch (capability.type) {
    case 'multiprotocol':
      return [...afiOctets(capability.family), 0, SAFI_UNICAST];
    case 'routeRefresh':
    case 'enhancedRouteRefresh':
    case 'extendedMessage':
      return [];
    case 'fourOctetAsn':
      return octets32(capability.asn);
    case 'gracefulRestart':
      return gracefulRestartValue(capability);
    case 'longLivedGracefulRestart':
      return capability.families.flatMap(({ family, forwarding, staleTimeS }) => [
        ...familyOctets(family), forwarding ? FORWARDING_FLAG : 0, ...octets24(staleTimeS),
      ]);
    case 'addPath':
      return capability.families.flatMap(({ family, send, receive }) => [
        ...familyOctets(family), (send ? ADD_PATH_SEND : 0) | (receive ? ADD_PATH_RECEIVE : 0),
      ]);
    case 'extendedNextHop':
      return capability.entries.flatMap(({ family, nextHop }) => [
        ...afiOctets(family), 0, SAFI_UNICAST, ...afiOctets(nextHop),
      ]);
    case 'fqdn':
      return [...nameOctets(capability.hostName), ...nameOctets(capability.domainName)];
    case 'role':
      return octets8(capability.role);
    case 'other':
      return [...capability.value];
  }
}

function gracefulRestartValue(capability: Extract<Capability, { type: 'gracefulRestart' }>): readonly number[] {
  const { restarting, notification, restartTimeS, families } = capability;
  if (restartTimeS > MAX_RESTART_TIME_S) {
    throw new RangeError(`a restart time of ${restartTimeS} s is longer than ${MAX_RESTART_TIME_S} s`);
  }
  const flags = (restarting ? RESTART_FLAG : 0) | (notification ? NOTIFICATION_FLAG : 0);
  return [
    ...octets16((flags << 12) | restartTimeS),
    ...families.flatMap(({ family, forwarding }) => [...familyOctets(family), forwarding ? FORWARDING_FLAG : 0]),
  ];
}

function nameOctets(name: string): readonly number[] {
  const octets = utf8UpTo(name, MAX_NAME_LENGTH);
  return [octets.length, ...octets];
}
