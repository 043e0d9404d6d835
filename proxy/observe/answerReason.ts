/** Why a connection is closed with an error answer before a request could be understood, or while its body came. */
export type ProtocolErrorKind =
  /** The message breaks the syntax or the framing rules (400, and 417, 426 and the like). */
  | 'badRequest'
  /** Head or body came too slowly (408). */
  | 'requestTimeout'
  | 'bodyTooLarge'
  | 'uriTooLong'
  | 'headersTooLarge'
  /** A transfer coding nobody here knows (501). */
  | 'notImplemented'
  | 'versionNotSupported';

/** Why the proxy itself, not a backend, answered a request. A closed list: it is a metric label and a log field. */
export type LocalAnswer =
  | ProtocolErrorKind
  /** No rule for the host (404). */
  | 'noHost'
  /** Rules for the host, none for the path (404). */
  | 'noPath'
  /** The Service has no ready endpoint (503). */
  | 'noEndpoints'
  /** The TLS connection was made for another host's certificate or client policy (421). */
  | 'misdirected'
  /** The host asks for a client certificate that is missing, not valid or not the right one (400, 403, or 302 to its error page). */
  | 'clientCertificate'
  /** A route filter sent the client elsewhere (3xx). */
  | 'redirect'
  /** The rule says so: a backend that cannot be served (RouteAction `respond`). */
  | 'respond'
  /** Every try failed (502). */
  | 'upstreamFailed'
  /** The last try took too long (504). */
  | 'upstreamTimeout'
  /** The client went away before it had its answer (logged as 499, as nginx does). */
  | 'clientGone'
  /** Cut when the drain time was over (logged as 499). */
  | 'shutdown'
  /** A fault in the proxy (500). */
  | 'internalError';

/** Who produced the response of an exchange. */
export type AnsweredBy = 'upstream' | LocalAnswer;

/** The kind of a protocol error from the status that it demands (`H1Error.status`). */
export function protocolErrorKind(status: number): ProtocolErrorKind {
  switch (status) {
    case 408:
      return 'requestTimeout';
    case 413:
      return 'bodyTooLarge';
    case 414:
      return 'uriTooLong';
    case 431:
      return 'headersTooLarge';
    case 501:
      return 'notImplemented';
    case 505:
      return 'versionNotSupported';
    default:
      return 'badRequest';
  }
}
