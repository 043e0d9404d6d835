import type { VipReport } from '../announcer/report.ts';
import { ingressAddresses } from '../status/buildStatus.ts';
import { publishedAddresses, type PublishedInput } from '../status/publishedAddresses.ts';
import type { LeaseElection } from '../election/leaseElection.ts';
import type { Webhook, WebhookOptions } from '../webhook/webhook.ts';
import type { NodeWriter } from '../writers/nodeWriter.ts';
import type { SessionEventWriter } from '../writers/sessionEventWriter.ts';
import type { StatusWriter } from '../writers/statusWriter.ts';
import type { VipOwner } from '../writers/writerInput.ts';
import type { Companion, SeenState } from './gatehouse.ts';
import { peersByService } from './reportDifference.ts';
import { interfacesByAddress, machineAddresses } from './machineAddresses.ts';

/** What the status writer is told once and for all. */
export type StatusFacts = Pick<PublishedInput, 'fixed' | 'ownService' | 'publishService'>;

/** The election as something that starts and stops with the rest. */
export function electionCompanion(election: LeaseElection): Companion {
  return { start: () => election.start(), stop: () => election.stop(), update: () => {} };
}

/** Hands the leader's writer what it needs of each state; Services of other load balancers are none of its business. */
export function statusWriterCompanion(writer: StatusWriter, published: StatusFacts): Companion {
  return {
    start: () => Promise.resolve(),
    stop: () => writer.stop(),
    update: (seen) => {
      const { objects, ingresses, pools, refusals, problems, assignmentChanges } = seen;
      const services = seen.services.filter(({ ours }) => ours);
      const ownAddresses = ingressAddresses(seen.listeners, machineAddresses());
      const ofIngresses = publishedAddresses({ ...published, ownAddresses, services: seen.services, objects });
      const carried = carriedServices(seen);
      const ipModeOf = (service: string): 'VIP' | 'Proxy' => (carried.has(service) ? 'Proxy' : 'VIP');
      const found = { objects, services, ingresses, pools, refusals, problems, assignmentChanges };
      writer.update({ ...found, ingressAddresses: ofIngresses, ipModeOf, isKept: isKept(seen), vipOwners: vipOwners(seen) });
    },
  };
}

function vipOwners({ announced }: SeenState): ReadonlyMap<string, VipOwner> | null {
  return announced === null ? null : new Map(announced.vips.map((vip) => [vip.address, vip]));
}

function isKept({ options }: SeenState): boolean {
  return options?.allocation === 'keep';
}

/** `namespace/name` of Services whose addresses this node carries, or another has said that it does. */
function carriedServices({ services, objects }: SeenState): ReadonlySet<string> {
  const carried = new Set<string>();
  for (const { ref, forwarding } of services) if (forwarding === 'proxy') carried.add(`${ref.namespace}/${ref.name}`);
  for (const { service } of objects.list('ServiceVIPStatus')) carried.add(`${service.namespace}/${service.name}`);
  return carried;
}

/** Hands this node's own writer what it carries. */
export function nodeWriterCompanion(writer: NodeWriter): Companion {
  return {
    start: () => Promise.resolve(),
    stop: () => writer.stop(),
    update: ({ objects, services, announced, bgp }) => {
      const vips = new Map((announced?.vips ?? []).map((vip) => [vip.address, vip]));
      const ours = services.filter((service) => service.ours && isCarriedHere(service.addresses, vips));
      const answering = [...vips.values()].filter(({ interfaces }) => interfaces.length > 0);
      const interfaces = new Map([...interfacesByAddress(), ...answering.map((vip) => [vip.address, vip.interfaces] as const)]);
      writer.update({ objects, services: ours, interfaces, peers: new Map([...peersByService(bgp)].map(([service, peers]) => [service, [...peers].map(bareName)])) });
    },
  };
}

/** Hands over what becomes of this node's BGP sessions. */
export function sessionEventsCompanion(writer: SessionEventWriter): Companion {
  return {
    start: () => Promise.resolve(),
    stop: () => writer.stop(),
    update: ({ objects }) => writer.look(objects),
    sessions: writer,
  };
}

/** `name` of `namespace/name`. */
function bareName(peer: string): string {
  return peer.slice(peer.indexOf('/') + 1);
}

/** An address that is announced is carried by whoever answers for it; all others by every node. */
function isCarriedHere(addresses: readonly string[], vips: ReadonlyMap<string, VipReport>): boolean {
  const announced = addresses.flatMap((address) => vips.get(address) ?? []);
  return announced.length === 0 || announced.some(({ interfaces }) => interfaces.length > 0);
}

/** The webhook judges changes by the last state. */
export function webhookCompanion(create: (context: WebhookOptions['context']) => Webhook): Companion {
  let last: SeenState | null = null;
  const webhook = create(() => (last === null || last.options === null ? null : { objects: last.objects, options: last.options, hosts: last.hosts }));
  return {
    start: async () => {
      await webhook.start();
    },
    stop: () => webhook.stop(),
    update: (seen) => {
      last = seen;
    },
  };
}
