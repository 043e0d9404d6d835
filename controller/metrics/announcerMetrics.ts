import { Counter, Gauge, type Registry } from 'prom-client';
import type { AnnouncerEvent, AnnouncerReport, FrameCounts, MemberReport, VipReport } from '../announcer/report.ts';
import type { AnnouncerWanted } from '../announcer/wanted.ts';

/** What the announcer of this node has told, and what it was told. */
export interface AnnouncerFacts {
  /** Null: it has told nothing yet, or none lives long enough to. */
  readonly report: AnnouncerReport | null;
  /** Null: nothing is known yet. */
  readonly wanted: AnnouncerWanted | null;
  readonly nodeName: string;
}

/** VIPs that have series of their own; all are counted in `gatehouse_vips`. Ours: some ten series each. */
const MAX_VIPS = 10_000;

const MEMBER_STATES: readonly MemberReport['state'][] = ['alive', 'suspect', 'dead', 'left'];
/** From the view of this node. */
const OWNERS = ['self', 'other', 'shared', 'nobody'] as const;
const MOVES = ['acquired', 'taken', 'given', 'lost'] as const;

const FRAMES = [
  ['requestsReceived', 'gatehouse_vip_requests_received_total', 'ARP requests and neighbour solicitations for the VIP.'],
  ['repliesSent', 'gatehouse_vip_replies_sent_total', 'Answers to ARP requests and neighbour solicitations for the VIP.'],
  ['gratuitousSent', 'gatehouse_vip_gratuitous_sent_total', 'Gratuitous ARP and unsolicited neighbour advertisements sent for the VIP.'],
  ['conflictsSeen', 'gatehouse_vip_conflicts_total', 'Frames in which another station claims the VIP.'],
] as const satisfies readonly (readonly [keyof FrameCounts, string, string])[];

/**
 * What MetalLB's speaker counts, under its names (its counters have no `_total`), so that dashboards and alerts made for it keep
 * working. Only with `--compat metallb`: where its speakers run as well and nobody moves from them, sums over both would be wrong.
 */
const METALLB_FRAMES = [
  ['requestsReceived', 'metallb_layer2_requests_received'],
  ['repliesSent', 'metallb_layer2_responses_sent'],
  ['gratuitousSent', 'metallb_layer2_gratuitous_sent'],
] as const satisfies readonly (readonly [keyof FrameCounts, string])[];
const METALLB_HELP = "The same as MetalLB's family of this name (--compat metallb).";

interface FrameFamily {
  readonly field: keyof FrameCounts;
  readonly label: 'address' | 'ip';
  readonly counter: Counter;
}

/** `lost`: nobody answers after it, whoever did before. */
function changeOf({ from, to }: Extract<AnnouncerEvent, { type: 'moved' }>, nodeName: string): (typeof MOVES)[number] {
  if (to === null) return 'lost';
  if (to !== nodeName) return 'given';
  return from === null ? 'acquired' : 'taken';
}

function ownerOf({ owner, sharers }: VipReport, nodeName: string): (typeof OWNERS)[number] {
  if (owner !== null) return owner === nodeName ? 'self' : 'other';
  return sharers.length > 0 ? 'shared' : 'nobody';
}

/** What the announcer does, as the controller hears it. One per registry. Families are empty where no announcer is wanted. */
export class AnnouncerMetrics {
  readonly #up: Gauge;
  readonly #restarts: Counter;
  readonly #moves: Counter;
  readonly #kernelProgrammed: Gauge;
  readonly #kernelPorts: Gauge;
  readonly #kernelProblems: Gauge;
  readonly #members: Gauge;
  readonly #vips: Gauge;
  readonly #owner: Gauge;
  readonly #announced: Gauge;
  readonly #frames: readonly FrameFamily[];
  /** MetalLB's gauge of who announces what, which BGP has a part in; null: not asked for. */
  readonly speakerAnnounced: Gauge | null;

  constructor(registry: Registry, { metallbNames = false }: { readonly metallbNames?: boolean } = {}) {
    const registers = [registry];
    const gauge = (name: string, help: string, labelNames: string[] = []): Gauge => new Gauge({ name, help, labelNames, registers });
    const counter = (name: string, help: string, labelNames: string[] = []): Counter => new Counter({ name, help, labelNames, registers });
    this.#up = gauge('gatehouse_announcer_up', '1 while the announcer tells what it does; 0 while it is to do something and tells nothing.');
    this.#restarts = counter('gatehouse_announcer_restarts_total', 'Times the announcer process ended unasked and was started again.');
    this.#kernelProgrammed = gauge('gatehouse_announcer_kernel_programmed', '1 while the tables of the kernel are as they should be.');
    this.#kernelPorts = gauge('gatehouse_announcer_kernel_ports', 'Ports of VIPs that the kernel forwards or hands to the proxy.');
    this.#kernelProblems = gauge('gatehouse_announcer_kernel_problems', 'What the kernel lacks or refuses, each listed by the admin API.');
    this.#members = gauge('gatehouse_announcer_members', 'Announcers of the other nodes by what this one knows of them.', ['state']);
    this.#moves = counter('gatehouse_vip_moves_total', 'Changes of who answers for a VIP: to this node, from it, or to nobody.', ['change']);
    this.#vips = gauge('gatehouse_vips', 'VIPs that are to be announced, by who answers as far as this node knows.', ['owner']);
    this.#owner = gauge('gatehouse_vip_owner', `1: the node answers for the VIP, as far as this one knows. Of the first ${MAX_VIPS} VIPs.`, ['address', 'node']);
    this.#announced = gauge('gatehouse_vip_announced', `1 while this node answers for the VIP, alone or with others. Of the first ${MAX_VIPS} VIPs.`, ['address']);
    this.#frames = [
      ...FRAMES.map(([field, name, help]): FrameFamily => ({ field, label: 'address', counter: counter(name, help, ['address']) })),
      ...(metallbNames ? METALLB_FRAMES : []).map(([field, name]): FrameFamily => ({ field, label: 'ip', counter: counter(name, METALLB_HELP, ['ip']) })),
    ];
    this.speakerAnnounced = metallbNames
      ? gauge('metallb_speaker_announced', METALLB_HELP, ['service', 'protocol', 'node', 'ip'])
      : null;
    for (const change of MOVES) this.#moves.inc({ change }, 0);
    this.#clear();
  }

  restarted(): void {
    this.#restarts.inc();
  }

  /** Counts moves; conflicts are counted by VIP in reports. */
  happened(event: AnnouncerEvent, nodeName: string): void {
    if (event.type === 'moved') this.#moves.inc({ change: changeOf(event, nodeName) });
  }

  /** What is so now; series of VIPs that are missing are no longer shown. */
  set({ report, wanted, nodeName }: AnnouncerFacts): void {
    this.#clear();
    if (report === null) {
      if (wanted !== null && wanted.ports.size + wanted.vips.size > 0) this.#up.set(0);
      return;
    }
    this.#up.set(1);
    this.#kernelProgrammed.set(report.kernel.programmed ? 1 : 0);
    this.#kernelPorts.set(report.kernel.ports);
    this.#kernelProblems.set(report.kernel.problems.length);
    for (const state of MEMBER_STATES) this.#members.set({ state }, report.members.filter((member) => member.state === state).length);
    for (const owner of OWNERS) this.#vips.set({ owner }, report.vips.filter((vip) => ownerOf(vip, nodeName) === owner).length);
    for (const vip of report.vips.slice(0, MAX_VIPS)) this.#setVip(vip, { wanted, nodeName });
  }

  #setVip(vip: VipReport, { wanted, nodeName }: Pick<AnnouncerFacts, 'wanted' | 'nodeName'>): void {
    const { address } = vip;
    const answers = vip.interfaces.length > 0;
    if (vip.owner !== null) this.#owner.set({ address, node: vip.owner }, 1);
    this.#announced.set({ address }, answers ? 1 : 0);
    for (const { field, label, counter } of this.#frames) counter.inc({ [label]: address }, vip.frames[field]);
    if (!answers) return;
    for (const service of wanted?.vips.get(address)?.services ?? []) this.speakerAnnounced?.set({ service, protocol: 'layer2', node: nodeName, ip: address }, 1);
  }

  #clear(): void {
    const gauges = [this.#up, this.#kernelProgrammed, this.#kernelPorts, this.#kernelProblems];
    for (const gauge of gauges) gauge.remove();
    for (const family of [this.#members, this.#vips, this.#owner, this.#announced]) family.reset();
    for (const { counter } of this.#frames) counter.reset();
    this.speakerAnnounced?.reset();
  }
}
