import type { Explanation, ExplainRequest, ExplainStep } from '../core/ipc/views.ts';
import type { BalanceRequest } from './balance/request.ts';
import type { ClusterTable } from './balance/clusterTable.ts';
import { endpointKey } from './balance/endpointState.ts';
import { balanceRequestOf, decide, type Decision, type DecisionTables } from './decision.ts';
import type { ClientConnection, RequestHead } from './http/exchange.ts';
import { Fields } from './http/fields.ts';
import type { ForwardedFields } from './http/forwardedFields.ts';
import { parseContentLength } from './http/h1/framing.ts';
import { explainChoice } from './route/explainChoice.ts';

/** What a worker explains by: the tables it serves by. */
export interface ExplainTables extends DecisionTables {
  readonly clusters: ClusterTable;
}

/** Says which object, rule, cluster and endpoint would serve a request, and why. Sends nothing, changes nothing. */
export function explain(request: ExplainRequest, tables: ExplainTables, forwarded: ForwardedFields): Explanation {
  const head = headOf(request);
  const client = clientOf(request);
  const identity = forwarded.identify(head, client);
  const balance = balanceRequestOf(head, identity);
  // A TLS connection is taken to be right for the host: which one would be made, the request does not say.
  const decision = decide(tables, { head, identity, balance, connection: request.scheme === 'https' ? null : client });
  const steps: ExplainStep[] = [{ step: 'host', text: `${balance.host === '' ? 'no host' : balance.host}, client ${identity.address}` }];
  const policy = tables.routes.clientAuthFor(balance.host)?.auth;
  if (policy !== undefined) steps.push({ step: 'host', text: `asks for a client certificate (${policy.mode}); over TLS a valid one is assumed` });
  if (decision.route !== null) {
    const { host, route } = decision.route;
    const rule = `host ${host}, ${route.match.type} path ${route.match.value}`;
    steps.push({ step: 'route', text: `${rule}: ${route.field} of Ingress ${route.ingress.namespace}/${route.ingress.name}` });
  }
  const owner = { ingress: decision.route?.route.ingress ?? null, field: decision.route?.route.field ?? null };
  if (decision.type === 'answer') {
    steps.push({ step: decision.by === 'redirect' ? 'filter' : 'answer', text: `${decision.status}: ${decision.reason}` });
    return { ...owner, steps, cluster: null, endpoint: null, status: decision.status };
  }
  return { ...owner, ...forwardPart(decision, tables, { balance, steps }) };
}

function forwardPart(
  decision: Extract<Decision, { type: 'forward' }>,
  tables: ExplainTables,
  { balance, steps }: { balance: BalanceRequest; steps: ExplainStep[] },
): Pick<Explanation, 'steps' | 'cluster' | 'endpoint' | 'status'> {
  const { choice } = decision;
  steps.push({ step: 'canary', text: explainChoice(choice) });
  const cluster = tables.clusters.get(choice.cluster);
  const affinity = choice.affinityFrom === null ? null : (tables.clusters.get(choice.affinityFrom)?.affinity ?? null);
  const described = cluster?.describe(balance, affinity) ?? { endpoint: null, text: 'the cluster is not known' };
  if (described.endpoint === null) {
    steps.push({ step: 'answer', text: `503: ${described.text}` });
    return { steps, cluster: choice.cluster, endpoint: null, status: 503 };
  }
  const endpoint = endpointKey(described.endpoint);
  steps.push({ step: 'endpoint', text: `${endpoint}: ${described.text}` });
  return { steps, cluster: choice.cluster, endpoint, status: null };
}

function headOf(request: ExplainRequest): RequestHead {
  const fields = new Fields();
  for (const [name, value] of request.headers) fields.append(name, name.toLowerCase(), value);
  return {
    method: request.method,
    scheme: request.scheme,
    authority: request.authority,
    target: request.target,
    fields,
    bodyLength: parseContentLength(fields.get('content-length') ?? '0') ?? 0,
    upgrade: null,
    expectsContinue: false,
    protocol: 'HTTP/1.1',
  };
}

function clientOf(request: ExplainRequest): ClientConnection {
  const port = request.scheme === 'https' ? 443 : 80;
  return { remoteAddress: request.clientAddress, remotePort: 0, localAddress: '', localPort: port, tls: null };
}
