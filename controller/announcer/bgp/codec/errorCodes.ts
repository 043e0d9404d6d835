/** Error codes of NOTIFICATION messages (RFC 4271 section 4.5). */
export const ERROR = {
  messageHeader: 1,
  open: 2,
  update: 3,
  holdTimerExpired: 4,
  finiteStateMachine: 5,
  cease: 6,
  /** RFC 7313 section 5. */
  routeRefresh: 7,
  /** RFC 9687 section 4. */
  sendHoldTimerExpired: 8,
} as const;

/** Subcodes of Message Header Error (RFC 4271 section 6.1). */
export const HEADER_ERROR = { connectionNotSynchronized: 1, badMessageLength: 2, badMessageType: 3 } as const;

/** Subcodes of OPEN Message Error (RFC 4271 section 6.2; 7: RFC 5492 section 3; 11: RFC 9234 section 4.2). */
export const OPEN_ERROR = {
  unspecific: 0,
  unsupportedVersionNumber: 1,
  badPeerAs: 2,
  badBgpIdentifier: 3,
  unsupportedOptionalParameter: 4,
  unacceptableHoldTime: 6,
  unsupportedCapability: 7,
  roleMismatch: 11,
} as const;

/** Subcodes of UPDATE Message Error (RFC 4271 section 6.3). */
export const UPDATE_ERROR = { malformedAttributeList: 1, optionalAttributeError: 9, invalidNetworkField: 10 } as const;

/** Subcodes of Finite State Machine Error: a message that the state does not take (RFC 6608 section 4). */
export const STATE_ERROR = { unspecified: 0, openSent: 1, openConfirm: 2, established: 3 } as const;

/** Subcodes of Cease (RFC 4486 section 4; 9: RFC 8538 section 3; 10: RFC 9384 section 3). */
export const CEASE = {
  maximumNumberOfPrefixesReached: 1,
  administrativeShutdown: 2,
  peerDeconfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  otherConfigurationChange: 6,
  connectionCollisionResolution: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10,
} as const;

/** Subcodes of ROUTE-REFRESH Message Error (RFC 7313 section 5). */
export const ROUTE_REFRESH_ERROR = { invalidMessageLength: 1 } as const;

interface ErrorName {
  readonly name: string;
  readonly subcodes: ReadonlyMap<number, string>;
}

/** Names as IANA's registry "BGP Error (Notification) Codes" has them. */
const NAMES: ReadonlyMap<number, ErrorName> = new Map([
  [ERROR.messageHeader, named('Message Header Error', [
    '', 'Connection Not Synchronized', 'Bad Message Length', 'Bad Message Type',
  ])],
  [ERROR.open, named('OPEN Message Error', [
    'Unspecific', 'Unsupported Version Number', 'Bad Peer AS', 'Bad BGP Identifier', 'Unsupported Optional Parameter',
    'Authentication Failure', 'Unacceptable Hold Time', 'Unsupported Capability', '', '', '', 'Role Mismatch',
  ])],
  [ERROR.update, named('UPDATE Message Error', [
    'Unspecific', 'Malformed Attribute List', 'Unrecognized Well-known Attribute', 'Missing Well-known Attribute',
    'Attribute Flags Error', 'Attribute Length Error', 'Invalid ORIGIN Attribute', 'AS Routing Loop',
    'Invalid NEXT_HOP Attribute', 'Optional Attribute Error', 'Invalid Network Field', 'Malformed AS_PATH',
  ])],
  [ERROR.holdTimerExpired, named('Hold Timer Expired', [])],
  [ERROR.finiteStateMachine, named('Finite State Machine Error', [
    'Unspecified Error', 'Receive Unexpected Message in OpenSent State', 'Receive Unexpected Message in OpenConfirm State',
    'Receive Unexpected Message in Established State',
  ])],
  [ERROR.cease, named('Cease', [
    '', 'Maximum Number of Prefixes Reached', 'Administrative Shutdown', 'Peer De-configured', 'Administrative Reset',
    'Connection Rejected', 'Other Configuration Change', 'Connection Collision Resolution', 'Out of Resources', 'Hard Reset', 'BFD Down',
  ])],
  [ERROR.routeRefresh, named('ROUTE-REFRESH Message Error', ['', 'Invalid Message Length'])],
  [ERROR.sendHoldTimerExpired, named('Send Hold Timer Expired', [])],
]);

/** `Cease/Administrative Shutdown`; numbers where nobody has given a name. */
export function nameError(code: number, subcode: number): string {
  const error = NAMES.get(code);
  const name = error?.name ?? `Error ${code}`;
  const subname = error?.subcodes.get(subcode);
  if (subname !== undefined) return `${name}/${subname}`;
  return subcode === 0 ? name : `${name}/${subcode}`;
}

/** `names` from subcode 0 on; empty: that subcode has none. */
function named(name: string, names: readonly string[]): ErrorName {
  return { name, subcodes: new Map([...names.entries()].filter(([, subname]) => subname !== '')) };
}
