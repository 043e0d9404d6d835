/** What a family is for Prometheus: its name, help text and labels; the kind decides which list of a MetricsDelta it stands in. */
export type MetricFamily =
  | (FamilyBase & { readonly type: 'counter' })
  | (FamilyBase & { readonly type: 'gauge' })
  /** `buckets`: upper bounds, ascending; the last one, +Inf, is implied. */
  | (FamilyBase & { readonly type: 'histogram'; readonly buckets: readonly number[] });

interface FamilyBase {
  readonly name: string;
  readonly help: string;
  /** Label names; a delta carries the values in this order. */
  readonly labels: readonly string[];
}

/** Label value that stands for everything beyond a bound on the number of series. */
export const OVERFLOW_LABEL = '_other';

/** Label names of what a request was matched to, in the words of ingress-nginx. */
const MATCH_LABELS = ['namespace', 'ingress', 'service', 'canary', 'host', 'path'] as const;

/** Of what asked for the port: `kind` is Service, ConfigMap or Ingress. */
const L4_LABELS = ['protocol', 'kind', 'namespace', 'name'] as const;

/** Seconds; ingress-nginx's default time buckets with two finer ones in front. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Seconds; connecting inside a cluster takes well under a millisecond. */
const CONNECT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;

/**
 * Every metric family a proxy reports: a closed list, so that no label or name is ever made from traffic. Values of
 * `host` and `path` are those of the configured rule, never of the request; `method` is one of a known set.
 */
export const FAMILIES = {
  requests: {
    name: 'gatehouse_requests_total',
    help: 'Finished requests by rule, method and status; canary is the upstream name of the canary that was chosen.',
    type: 'counter',
    labels: [...MATCH_LABELS, 'method', 'status'],
  },
  requestDuration: {
    name: 'gatehouse_request_duration_seconds',
    help: 'Time from the first octet of a request to the last of its response; tunnels are not counted.',
    type: 'histogram',
    labels: MATCH_LABELS,
    buckets: DURATION_BUCKETS,
  },
  upstreamResponseDuration: {
    name: 'gatehouse_upstream_response_duration_seconds',
    help: 'Time of one try at a backend, from its start to the last octet of its response; tunnels are not counted.',
    type: 'histogram',
    labels: MATCH_LABELS,
    buckets: DURATION_BUCKETS,
  },
  upstreamConnectDuration: {
    name: 'gatehouse_upstream_connect_duration_seconds',
    help: 'Time to open a new connection to a backend, TLS included; tries on a kept connection are not counted.',
    type: 'histogram',
    labels: MATCH_LABELS,
    buckets: CONNECT_BUCKETS,
  },
  upstreamTries: {
    name: 'gatehouse_upstream_tries_total',
    help: 'Tries at backends, first tries and retries together.',
    type: 'counter',
    labels: MATCH_LABELS,
  },
  upstreamRetries: {
    name: 'gatehouse_upstream_retries_total',
    help: 'Tries at backends after a first try had failed.',
    type: 'counter',
    labels: MATCH_LABELS,
  },
  upstreamFailures: {
    name: 'gatehouse_upstream_failures_total',
    help: 'Tries at backends that failed, by what went wrong.',
    type: 'counter',
    labels: [...MATCH_LABELS, 'code'],
  },
  requestBytes: {
    name: 'gatehouse_request_bytes_total',
    help: 'Octets received from clients in requests, heads included.',
    type: 'counter',
    labels: ['namespace', 'ingress'],
  },
  responseBytes: {
    name: 'gatehouse_response_bytes_total',
    help: 'Octets sent to clients in responses, heads included.',
    type: 'counter',
    labels: ['namespace', 'ingress'],
  },
  localResponses: {
    name: 'gatehouse_local_responses_total',
    help: 'Requests that the proxy answered itself instead of a backend, by reason.',
    type: 'counter',
    labels: ['namespace', 'ingress', 'reason'],
  },
  requestsInFlight: {
    name: 'gatehouse_requests_in_flight',
    help: 'Requests being answered now.',
    type: 'gauge',
    labels: [],
  },
  tunnels: {
    name: 'gatehouse_tunnels',
    help: 'Upgraded connections (WebSocket) open now.',
    type: 'gauge',
    labels: [],
  },
  clientConnections: {
    name: 'gatehouse_client_connections',
    help: 'Client connections open now.',
    type: 'gauge',
    labels: ['protocol'],
  },
  acceptedConnections: {
    name: 'gatehouse_client_connections_total',
    help: 'Client connections accepted.',
    type: 'counter',
    labels: ['protocol'],
  },
  refusedConnections: {
    name: 'gatehouse_client_connections_refused_total',
    help: 'Client connections closed at once because the limit of connections per worker was reached.',
    type: 'counter',
    labels: [],
  },
  tlsHandshakes: {
    name: 'gatehouse_tls_handshakes_total',
    help: 'Completed TLS handshakes by protocol version.',
    type: 'counter',
    labels: ['version'],
  },
  tlsHandshakeFailures: {
    name: 'gatehouse_tls_handshake_failures_total',
    help: 'TLS handshakes that did not complete: the client closed first, was too slow, or nothing could be agreed on.',
    type: 'counter',
    labels: ['reason'],
  },
  protocolErrors: {
    name: 'gatehouse_protocol_errors_total',
    help: 'Client connections closed because what they sent breaks HTTP or a limit, by kind.',
    type: 'counter',
    labels: ['kind'],
  },
  accessLogDropped: {
    name: 'gatehouse_access_log_dropped_lines_total',
    help: 'Access log lines thrown away because whoever reads the log was too slow or gone.',
    type: 'counter',
    labels: [],
  },
  ejections: {
    name: 'gatehouse_endpoint_ejections_total',
    help: 'Endpoints taken out of balancing by one worker after consecutive connect failures.',
    type: 'counter',
    labels: ['namespace', 'service'],
  },
  l4Opened: {
    name: 'gatehouse_l4_connections_opened_total',
    help: 'TCP connections and UDP sessions taken on for Services, port ConfigMaps and TLS passthrough.',
    type: 'counter',
    labels: L4_LABELS,
  },
  l4Finished: {
    name: 'gatehouse_l4_connections_finished_total',
    help: 'TCP connections and UDP sessions that are over, by how they ended.',
    type: 'counter',
    labels: [...L4_LABELS, 'outcome'],
  },
  l4Open: {
    name: 'gatehouse_l4_connections',
    help: 'TCP connections and UDP sessions open now.',
    type: 'gauge',
    labels: L4_LABELS,
  },
  l4ReceivedBytes: {
    name: 'gatehouse_l4_received_bytes_total',
    help: 'Payload octets received from clients of TCP connections and UDP sessions.',
    type: 'counter',
    labels: L4_LABELS,
  },
  l4SentBytes: {
    name: 'gatehouse_l4_sent_bytes_total',
    help: 'Payload octets sent to clients of TCP connections and UDP sessions.',
    type: 'counter',
    labels: L4_LABELS,
  },
  l4Refused: {
    name: 'gatehouse_l4_refused_total',
    help: 'TCP connections reset unseen: nobody configured the port, or descriptors ran out.',
    type: 'counter',
    labels: ['reason'],
  },
  datagramsDropped: {
    name: 'gatehouse_l4_datagrams_dropped_total',
    help: 'UDP datagrams that went nowhere, by reason.',
    type: 'counter',
    labels: ['reason'],
  },
  eventLoopLag: {
    name: 'gatehouse_thread_event_loop_lag_p99_seconds',
    help: '99th percentile of event loop lag since the last report.',
    type: 'gauge',
    labels: ['thread'],
  },
  eventLoopUtilization: {
    name: 'gatehouse_thread_event_loop_utilization_ratio',
    help: 'Share of time since the last report in which the thread was busy, 0 to 1.',
    type: 'gauge',
    labels: ['thread'],
  },
  heapUsed: {
    name: 'gatehouse_thread_heap_used_bytes',
    help: 'JavaScript heap in use by the thread.',
    type: 'gauge',
    labels: ['thread'],
  },
  residentMemory: {
    name: 'gatehouse_proxy_resident_memory_bytes',
    help: 'Resident memory of the proxy process, all threads together.',
    type: 'gauge',
    labels: [],
  },
} as const satisfies Record<string, MetricFamily>;

/** Names of the families in code. */
export type FamilyKey = keyof typeof FAMILIES;

/** family name → family: how the receiver of a MetricsDelta knows what it may contain. */
export const FAMILY_BY_NAME: ReadonlyMap<string, MetricFamily> = new Map(
  Object.values(FAMILIES).map((family: MetricFamily) => [family.name, family]),
);
