import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { SourcePosition } from '../../core/ir/problem.ts';
import { decodeOrNull, flag, list, maybe, number, record, text, word, type Decoder } from './decode.ts';
import type { IngressView, ListenerView, NodeView, ProblemView, ServiceView, StatusView } from './statusView.ts';

/** An object reference. */
export const objectRef: Decoder<ObjectRef> = record<ObjectRef>({ kind: text, namespace: text, name: text });

const listener = record<ListenerView>({ protocol: word('http', 'https', 'tcp', 'udp'), address: text, port: number });

const node = record<NodeView>({ name: text, addresses: list(text), self: flag });

const service = record<ServiceView>({
  namespace: text,
  name: text,
  addresses: list(text),
  pool: maybe(text),
  forwarding: word('kernel', 'proxy', 'none'),
  reason: text,
  owner: maybe(text),
  interfaces: list(text),
  peers: list(text),
  ports: list(record<ServiceView['ports'][number]>({ port: number, protocol: text, name: text, endpoints: maybe(number) })),
});

const ingress = record<IngressView>({
  namespace: text,
  name: text,
  class: text,
  addresses: list(text),
  hosts: list(text),
  tlsHosts: list(text),
});

const problem = record<ProblemView>({
  severity: word('error', 'warning'),
  object: maybe(objectRef),
  position: maybe(record<SourcePosition>({ file: text, line: number })),
  field: text,
  rule: text,
  value: text,
  effect: text,
});

const status = record<StatusView>({
  version: text,
  ready: flag,
  generation: number,
  appliedGeneration: number,
  waitingFor: list(text),
  leader: maybe(record<NonNullable<StatusView['leader']>>({ name: maybe(text), self: flag })),
  listeners: list(listener),
  nodes: list(node),
  services: list(service),
  ingresses: list(ingress),
  problems: list(problem),
});

/** The answer of `GET /api/v1/status`; null when it is something else. */
export function decodeStatus(body: unknown): StatusView | null {
  return decodeOrNull(status, body);
}
