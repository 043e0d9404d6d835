import type { ListenerAddress } from '../../core/ipc/messages.ts';
import { l4Key, type L4Key } from '../../core/ir/l4.ts';
import { printRef, type ObjectRef } from '../../core/ir/objectRef.ts';
import { printValue, type Problem } from '../../core/ir/problem.ts';
import type { Kind } from '../model/objects.ts';
import type { ObjectIndex } from '../model/store.ts';
import type { ListenerOutcome } from '../processes/proxyListeners.ts';
import type { ServiceStatus, Translation } from '../translate/translation.ts';
import { printListenAddress } from './listenAddress.ts';

/** What is needed to say whose port could not be opened. */
export interface ListenerOwners {
  readonly translation: Translation;
  readonly objects: ObjectIndex;
  /** `namespace/name` of the Service that VIPs of the HTTP and HTTPS listeners belong to; null: none. */
  readonly publishService: string | null;
}

interface Failure {
  readonly owner: ObjectRef;
  readonly field: string;
  readonly message: string;
  readonly ports: string[];
}

/** One problem of each object some of whose ports could not be opened, for each reason why. */
export function listenerProblems(outcomes: readonly ListenerOutcome[], owners: ListenerOwners): readonly Problem[] {
  const failures = new Map<string, Failure>();
  for (const outcome of outcomes) {
    if (outcome.type === 'open') continue;
    const owner = ownerOf(outcome.listener, owners);
    if (owner === null) continue;
    const { message } = outcome.error;
    const key = `${printRef(owner.ref)} ${reasonOf(message)}`;
    const failure = failures.get(key) ?? { owner: owner.ref, field: owner.field, message: reasonOf(message), ports: [] };
    failure.ports.push(printPort(outcome.listener));
    failures.set(key, failure);
  }
  return [...failures.values()].map((failure) => problemOfFailure(failure, owners.objects));
}

/** Services as they are shown: what `problems` of listeners says of one is part of its reason. */
export function withListenerProblems(
  services: readonly ServiceStatus[],
  { problems, outcomes }: { readonly problems: readonly Problem[]; readonly outcomes: readonly ListenerOutcome[] },
): readonly ServiceStatus[] {
  if (problems.length === 0) return services;
  const open = new Set(outcomes.flatMap(({ type, listener }) => (type === 'open' ? [listener.address] : [])));
  return services.map((service) => {
    const own = problems.filter(({ object }) => object !== null && printRef(object) === printRef(service.ref));
    if (own.length === 0) return service;
    const reason = `${service.reason}; not open: ${own.map(({ value, rule }) => `${value} ${rule}`).join('; ')}`;
    // Nobody is to believe that this machine carries what it could not even bind.
    const forwarding = service.addresses.some((address) => open.has(address)) ? service.forwarding : 'none';
    return { ...service, reason, forwarding };
  });
}

/** Keys of the L4 listeners that are open. */
export function openKeys(outcomes: readonly ListenerOutcome[]): ReadonlySet<L4Key> {
  return new Set(outcomes.flatMap(({ type, listener }) => (type === 'open' ? keysOf(listener) : [])));
}

function ownerOf(listener: ListenerAddress, owners: ListenerOwners): { readonly ref: ObjectRef; readonly field: string } | null {
  const [key] = keysOf(listener);
  if (key !== undefined) {
    const route = owners.translation.snapshot.l4Listeners.get(key)?.route;
    return route === undefined ? null : { ref: route.owner, field: route.field };
  }
  const [namespace = '', name = ''] = owners.publishService?.split('/') ?? [];
  return { ref: { kind: 'Service', namespace, name }, field: 'spec.ports' };
}

function keysOf({ protocol, address, port }: ListenerAddress): L4Key[] {
  return protocol === 'tcp' || protocol === 'udp' ? [l4Key(protocol, address, port)] : [];
}

function problemOfFailure({ owner, field, message, ports }: Failure, objects: ObjectIndex): Problem {
  const object = objects.get(owner.kind as Kind, owner.namespace, owner.name);
  return {
    severity: 'error',
    object: owner,
    position: object?.origin?.locate(field) ?? null,
    field,
    rule: `needs its port to be opened: ${message}`,
    value: printValue(ports.join(', ')),
    effect: 'nobody is served there; it is tried again every few seconds',
  };
}

/** `cannot bind 192.0.2.1:53: EADDRNOTAVAIL; what to do` without the address, which differs for each port. */
function reasonOf(message: string): string {
  return message.replace(/^cannot (\w[\w ]{0,40}?) \S+: /, 'cannot $1: ');
}

function printPort(listener: ListenerAddress): string {
  return `${listener.protocol}/${printListenAddress(listener)}`;
}
