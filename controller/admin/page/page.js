// Shows what the API says of this Gatehouse, and keeps it fresh.

import { showBgp } from './bgp.js';
import { element, fill, row } from './elements.js';

const REFRESH_MS = 2000;

function address(listener) {
  return listener.address.includes(':') ? `[${listener.address}]:${listener.port}` : `${listener.address}:${listener.port}`;
}

function subject(problem) {
  const { object, position } = problem;
  const name = object === null ? '' : `${object.kind} ${object.namespace === '' ? '' : `${object.namespace}/`}${object.name} `;
  return `${name}${problem.field}${position === null ? '' : ` (${position.file}:${position.line})`}`.trim();
}

function problemItem(problem) {
  const value = problem.value === '' ? '' : ` (got ${problem.value})`;
  return element(
    'li',
    problem.severity,
    element('strong', '', `${subject(problem)}: `),
    `${problem.rule}${value}`,
    element('small', '', problem.effect),
  );
}

function showState(text, state) {
  const line = document.getElementById('state');
  line.textContent = text;
  line.dataset.state = state;
}

function show(status) {
  const behind = status.appliedGeneration === status.generation ? '' : `, workers still serve ${status.appliedGeneration}`;
  const counts = `${status.ingresses.length} Ingresses, generation ${status.generation}${behind}`;
  showState(`${status.ready ? 'Ready' : 'Not ready'} · ${counts} · version ${status.version}`, status.ready ? 'ready' : 'waiting');
  const problems = status.problems.map(problemItem);
  fill('problems', problems.length === 0 ? [element('li', '', 'None.')] : problems);
  fill('ingresses', status.ingresses.map((ingress) => row(
    ingress.namespace,
    ingress.name,
    ingress.class,
    ingress.hosts.map((host) => (ingress.tlsHosts.includes(host) ? `${host} (TLS)` : host)).join(', '),
    ingress.addresses.join(', '),
  )));
  fill('services', status.services.map((service) => row(
    service.namespace,
    service.name,
    service.addresses.length === 0 ? 'pending' : service.addresses.join(', '),
    service.pool ?? '',
    service.ports.map(({ port, protocol }) => `${port}/${protocol}`).join(', '),
    service.ports.map(({ endpoints }) => (endpoints === null ? 'Ingresses' : String(endpoints))).join(', '),
    `${service.forwarding}: ${service.reason}`,
  )));
  fill('listeners', status.listeners.map((listener) => row(listener.protocol, address(listener))));
}

async function get(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

async function refresh() {
  try {
    const [status, peers, routes] = await Promise.all(['/api/v1/status', '/api/v1/bgp/peers', '/api/v1/bgp/routes'].map(get));
    show(status);
    showBgp(peers, routes, Date.now());
  } catch (error) {
    showState(`Gatehouse does not answer (${error.message})`, 'waiting');
  } finally {
    setTimeout(refresh, REFRESH_MS);
  }
}

void refresh();
