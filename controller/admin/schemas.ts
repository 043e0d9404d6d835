import { FLAG, listOf, MAYBE_NUMBER, MAYBE_TEXT, NUMBER, record, TEXT, TEXTS } from './schemaParts.ts';

/**
 * JSON schemas of the answers: what is documented is what is sent, because serialising goes by them and leaves out
 * everything else.
 */

const OBJECT_REF = { ...record({ kind: TEXT, namespace: TEXT, name: TEXT }), nullable: true };

/** Body of every refusal; `parameter` names the query parameter at fault, `paths` what there is instead. */
export const ERROR_SCHEMA = {
  type: 'object',
  required: ['error'],
  additionalProperties: false,
  properties: { error: TEXT, parameter: TEXT, paths: TEXTS },
} as const;

/** Who gives addresses and writes statuses; null: there is no election. */
const LEADER = { ...record({ name: MAYBE_TEXT, self: FLAG }), nullable: true };

/** StatusView. */
export const STATUS_SCHEMA = record({
  version: TEXT,
  ready: FLAG,
  generation: NUMBER,
  appliedGeneration: NUMBER,
  waitingFor: TEXTS,
  leader: LEADER,
  listeners: listOf(record({ protocol: TEXT, address: TEXT, port: NUMBER })),
  nodes: listOf(record({ name: TEXT, addresses: TEXTS, self: FLAG })),
  services: listOf(
    record({
      namespace: TEXT,
      name: TEXT,
      addresses: TEXTS,
      pool: MAYBE_TEXT,
      forwarding: TEXT,
      reason: TEXT,
      owner: MAYBE_TEXT,
      interfaces: TEXTS,
      peers: TEXTS,
      ports: listOf(record({ port: NUMBER, protocol: TEXT, name: TEXT, endpoints: MAYBE_NUMBER })),
    }),
  ),
  ingresses: listOf(record({ namespace: TEXT, name: TEXT, class: TEXT, addresses: TEXTS, hosts: TEXTS, tlsHosts: TEXTS })),
  problems: listOf(
    record({
      severity: TEXT,
      object: OBJECT_REF,
      position: { ...record({ file: TEXT, line: NUMBER }), nullable: true },
      field: TEXT,
      rule: TEXT,
      value: TEXT,
      effect: TEXT,
    }),
  ),
});

const FRAMES = record({ requestsReceived: NUMBER, repliesSent: NUMBER, gratuitousSent: NUMBER, conflictsSeen: NUMBER });

const OWNER = {
  address: TEXT,
  owner: MAYBE_TEXT,
  sharers: TEXTS,
  interfaces: TEXTS,
  reason: TEXT,
  sinceMs: MAYBE_NUMBER,
} as const;

/** AnnouncementsView. */
export const ANNOUNCEMENTS_SCHEMA = record({
  running: FLAG,
  generation: NUMBER,
  vips: listOf(record({ ...OWNER, conflicts: TEXTS, frames: FRAMES })),
  members: listOf(record({ node: TEXT, address: TEXT, state: TEXT, sinceMs: NUMBER, serving: FLAG })),
  kernel: record({ programmed: FLAG, ports: NUMBER, problems: TEXTS }),
  interfaces: listOf(record({ name: TEXT, mac: TEXT, up: FLAG, unused: TEXT })),
  problems: TEXTS,
  events: listOf({ type: 'object', additionalProperties: true }),
});

/** Owners of VIPs. */
export const OWNERS_SCHEMA = record({ owners: listOf(record(OWNER)) });

/** Explanation. */
export const EXPLANATION_SCHEMA = record({
  steps: listOf(record({ step: TEXT, text: TEXT })),
  ingress: OBJECT_REF,
  field: MAYBE_TEXT,
  cluster: MAYBE_TEXT,
  endpoint: MAYBE_TEXT,
  status: { type: 'integer', nullable: true },
});

const FAMILY_USAGE = record({ total: NUMBER, assigned: NUMBER, available: NUMBER });

/** List of PoolView. */
export const POOLS_SCHEMA = record({
  pools: listOf(
    record({
      namespace: TEXT,
      name: TEXT,
      addresses: TEXTS,
      autoAssign: FLAG,
      avoidBuggyIPs: FLAG,
      drain: FLAG,
      isDefault: FLAG,
      serviceAllocation: MAYBE_TEXT,
      reserved: NUMBER,
      ipv4: FAMILY_USAGE,
      ipv6: FAMILY_USAGE,
      services: NUMBER,
    }),
  ),
});

/** List of EndpointView. */
export const ENDPOINTS_SCHEMA = record({
  endpoints: listOf(
    record({
      cluster: TEXT,
      endpoint: TEXT,
      state: TEXT,
      weight: NUMBER,
      activeRequests: NUMBER,
      idleConnections: NUMBER,
      ejectedBy: NUMBER,
    }),
  ),
});
