import { printProblem } from '../../core/ir/problem.ts';
import { printListenAddress } from '../runtime/listenAddress.ts';
import type { StatusView } from './statusView.ts';
import { escapeControls, printTable } from './table.ts';

const NONE = '<none>';
/** Which of all Services these are: NodePort and ClusterIP Services have no address that is ours to give. */
const SERVICES = 'SERVICES of type LoadBalancer';

/** The status as a person reads it in a terminal: tables in the manner of kubectl, then the problems. */
export function printStatus(status: StatusView): string {
  return [
    summary(status),
    section('LISTENERS', listeners(status)),
    section('INGRESSES', ingresses(status)),
    ...(status.services.length === 0 ? [] : [section(SERVICES, services(status))]),
    section('NODES', nodes(status)),
    problems(status),
  ].join('\n');
}

function summary(status: StatusView): string {
  const applied = status.appliedGeneration === status.generation ? 'served by every worker' : `workers still serve ${status.appliedGeneration}`;
  const state = `Gatehouse ${status.version}: ${status.ready ? 'ready' : 'not ready'}, generation ${status.generation} (${applied})\n`;
  return escapeLines([state, ...waiting(status), ...leader(status)]);
}

function waiting({ waitingFor }: StatusView): string[] {
  return waitingFor.length === 0 ? [] : [`Waiting for the API server to list ${waitingFor.join(', ')}\n`];
}

function leader({ leader: who }: StatusView): string[] {
  if (who === null) return [];
  if (who.self) return ['Leader: this one gives addresses and writes statuses\n'];
  return [who.name === null ? 'Leader: nobody; no address is given and no status written until there is one\n' : `Leader: ${who.name}\n`];
}

function escapeLines(lines: readonly string[]): string {
  return lines.map((line) => `${escapeControls(line.slice(0, -1))}\n`).join('');
}

function section(title: string, body: string): string {
  return `${title}\n${body}`;
}

function listeners(status: StatusView): string {
  return printTable(['protocol', 'address'], status.listeners.map((listener) => [listener.protocol, printListenAddress(listener)]));
}

function ingresses(status: StatusView): string {
  const rows = status.ingresses.map((ingress) => [
    ingress.namespace,
    ingress.name,
    ingress.class === '' ? NONE : ingress.class,
    list(ingress.hosts),
    list(ingress.tlsHosts),
    list(ingress.addresses),
  ]);
  return printTable(['namespace', 'name', 'class', 'hosts', 'tls', 'address'], rows);
}

function services(status: StatusView): string {
  const rows = status.services.map((service) => [
    service.namespace,
    service.name,
    service.addresses.length === 0 ? '<pending>' : service.addresses.join(','),
    service.pool ?? NONE,
    service.forwarding,
    ownerOf(service),
    list(service.ports.map(({ port, protocol }) => `${port}/${protocol}`)),
    list(service.ports.map(({ endpoints }) => (endpoints === null ? 'ingresses' : String(endpoints)))),
  ]);
  const table = printTable(['namespace', 'name', 'external-ip', 'pool', 'forwarding', 'owner', 'port(s)', 'endpoints'], rows);
  const reasons = status.services.map((service) => `${escapeControls(`  ${service.namespace}/${service.name}: ${shortReason(service, status.problems)}`)}\n`);
  return `${table}${reasons.join('')}`;
}

/** Why, without what a problem of the very Service says below at length: its whole rule, or what its rule gives as the reason. */
function shortReason({ namespace, name, reason }: StatusView['services'][number], all: StatusView['problems']): string {
  const own = all.filter(({ object }) => object?.kind === 'Service' && object.namespace === namespace && object.name === name);
  const said = own.flatMap(({ field, rule }) => [`${field} ${rule}`, rule, rule.slice(rule.indexOf(': ') + 2)]).filter((text) => text !== '');
  return said.reduce((left, text) => left.replaceAll(`: ${text}`, ' (see PROBLEMS)'), reason);
}

/** Who answers for its addresses; where that is this node, on which interfaces and announced to which BGP peers. */
function ownerOf({ owner, interfaces, peers }: StatusView['services'][number]): string {
  if (owner === null) return NONE;
  const ways = [...interfaces, ...peers.map((peer) => `BGP ${peer}`)];
  return ways.length === 0 ? owner : `${owner} (${ways.join(',')})`;
}

function nodes(status: StatusView): string {
  const rows = status.nodes.map((node) => [node.self ? `${node.name} (this one)` : node.name, list(node.addresses)]);
  return printTable(['name', 'address'], rows);
}

function problems(status: StatusView): string {
  if (status.problems.length === 0) return 'No problems.\n';
  return section('PROBLEMS', status.problems.map((problem) => `${escapeControls(printProblem(problem))}\n`).join(''));
}

function list(words: readonly string[]): string {
  return words.length === 0 ? NONE : words.join(',');
}
