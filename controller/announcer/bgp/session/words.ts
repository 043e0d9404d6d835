import type { WantedPeer } from '../bgpWanted.ts';
import { CEASE, ERROR, nameError, OPEN_ERROR } from '../codec/errorCodes.ts';
import type { BgpFault, NotificationMessage } from '../codec/message.ts';
import { describeNotification } from '../codec/notification.ts';

/** Why a session ended that the peer has ended by a NOTIFICATION, and what to do where that is known. */
export function closedByPeer(notification: NotificationMessage, peer: WantedPeer): string {
  const words = describeNotification(notification);
  const meaning = meaningOf(notification, peer);
  return meaning === null ? `the peer has closed it: ${words}` : `${meaning.says} (${words})${meaning.advice === '' ? '' : `: ${meaning.advice}`}`;
}

/** Why a session ended that this side has ended. */
export function closedByUs(fault: Pick<BgpFault, 'code' | 'subcode' | 'text'>): string {
  return `${fault.text} (sent: ${nameError(fault.code, fault.subcode)})`;
}

/** A connection that broke off without a NOTIFICATION. */
export function brokenOff(wasOpen: boolean, reason: string, peer: WantedPeer): string {
  if (wasOpen) return `the connection is lost: ${reason}`;
  const keys = peer.authentication === null ? '' : ', and whether its password is the same';
  return `the connection was closed before the peer's OPEN: ${reason}: look whether the router has this node as a neighbor in AS ${peer.localAsn}${keys}`;
}

/** Why the hold timer has expired. `heardForMs`: how long after the last step towards a session, or its beginning, the peer was heard. */
export function silentPeer(holdTimeMs: number, heardForMs: number): string {
  const silence = `nothing was heard of the peer for ${holdTimeMs / 1_000} s, the hold time`;
  // Keepalives come three times as often (RFC 4271 section 4.4): not one has.
  if (heardForMs >= holdTimeMs / 3) return silence;
  return `${silence}, right after it had begun: look whether it drops what this node sends, as with TTL security or multihop at one end only (ttlSecurity, ebgpMultiHop)`;
}

interface Meaning {
  readonly says: string;
  /** Empty: nothing is known that would help. */
  readonly advice: string;
}

function meaningOf({ code, subcode }: NotificationMessage, peer: WantedPeer): Meaning | null {
  switch (code) {
    case ERROR.open:
      return openMeaning(subcode, peer);
    case ERROR.cease:
      return ceaseMeaning(subcode, peer);
    case ERROR.holdTimerExpired:
      return { says: 'the peer has heard nothing from this node for the hold time', advice: 'look for lost packets on the way, a node without CPU, or TTL security at one end only' };
    case ERROR.sendHoldTimerExpired:
      return { says: 'the peer could send nothing to this node for long', advice: 'look for lost packets on the way, or a node without CPU' };
    default:
      return null;
  }
}

function openMeaning(subcode: number, peer: WantedPeer): Meaning | null {
  switch (subcode) {
    case OPEN_ERROR.unsupportedVersionNumber:
      return { says: 'the peer does not speak BGP version 4', advice: '' };
    case OPEN_ERROR.badPeerAs:
      return { says: `the peer says that our AS ${peer.localAsn} is not what it expects`, advice: 'compare myASN with its configuration' };
    case OPEN_ERROR.badBgpIdentifier:
      return { says: `the peer does not take our router ID ${peer.routerId}`, advice: 'look whether another router or node has it (routerID)' };
    case OPEN_ERROR.unacceptableHoldTime:
      return { says: `the peer does not take our hold time of ${peer.holdTimeMs / 1_000} s`, advice: 'compare holdTime with its configuration' };
    case OPEN_ERROR.unsupportedOptionalParameter:
    case OPEN_ERROR.unsupportedCapability:
      return { says: 'the peer does not take what we offer', advice: 'less is offered next time; look which address families it has for this neighbor' };
    case OPEN_ERROR.roleMismatch:
      return { says: `the peer's role does not go with ours${peer.role === null ? '' : `, ${peer.role}`}`, advice: 'compare role with its configuration' };
    default:
      return null;
  }
}

function ceaseMeaning(subcode: number, peer: WantedPeer): Meaning | null {
  switch (subcode) {
    case CEASE.maximumNumberOfPrefixesReached:
      return { says: 'the peer was sent more prefixes than it takes', advice: 'raise its limit, or aggregate routes (aggregationLength)' };
    case CEASE.administrativeShutdown:
      return { says: 'the session was shut down on the peer', advice: '' };
    case CEASE.peerDeconfigured:
      return { says: 'the peer has no configuration for this node any more', advice: '' };
    case CEASE.administrativeReset:
      return { says: 'the session was reset on the peer', advice: '' };
    case CEASE.connectionRejected:
      return {
        says: 'the peer rejects connections of this node',
        advice: `look whether it has this node as a neighbor in AS ${peer.localAsn}, or waits after an error`,
      };
    case CEASE.outOfResources:
      return { says: 'the peer is out of resources', advice: '' };
    case CEASE.bfdDown:
      return { says: 'BFD on the peer says that this node cannot be reached', advice: 'compare BFD settings, and look for lost packets' };
    default:
      return null;
  }
}
