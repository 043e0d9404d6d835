import { AnnouncerEngine } from '../../engine.ts';
import { Simulation, type SimulatedNode } from '../../membership/testing/simulation.ts';
import type { L2Answer } from '../../parts.ts';
import type { AnnouncedVip } from '../../wanted.ts';
import { NOTHING_WANTED } from '../../wantedDelta.ts';
import type { EngineEffect, EngineEvent } from '../engineEvents.ts';
import { ONE_INTERFACE } from './simulatedLan.ts';

const TICK_MS = 50;
const KERNEL_MS = 40;
const FRAME_MS = 1;

/** Engines over the true membership: datagrams get lost as `passes` says, frames reach everybody. Everything follows from the seed. */
export class GossipLan {
  readonly simulation: Simulation;
  readonly #engines = new Map<string, AnnouncerEngine>();
  readonly #answers = new Map<string, readonly L2Answer[]>();
  readonly #refutations = new Map<string, number>();
  readonly #quorum: boolean;

  constructor(size: number, random: () => number, options: { readonly quorum?: boolean } = {}) {
    this.simulation = new Simulation(size, random);
    this.#quorum = options.quorum ?? false;
    this.simulation.onChanged = (node) => this.simulation.at(this.simulation.nowMs, () => this.#tellMembers(node));
  }

  get names(): readonly string[] {
    return this.simulation.nodes.map(({ name }) => name);
  }

  start(vips: ReadonlyMap<string, AnnouncedVip>): void {
    const nodes = new Map(this.simulation.nodes.map(({ name, address }) => [name, [address]]));
    for (const node of this.simulation.nodes) {
      this.#engines.set(node.name, new AnnouncerEngine({ settings: { nodeName: node.name, quorum: this.#quorum }, inherited: null }));
      this.#give(node, { type: 'interfaces', interfaces: ONE_INTERFACE });
      this.#give(node, { type: 'proxy', serving: true });
      this.simulation.start(node);
      this.#give(node, { type: 'wanted', generation: 1, wanted: { ...NOTHING_WANTED, vips, nodes } });
      this.#tick(node);
    }
  }

  /** Who owns a VIP and answers, whoever is only leaving excluded. */
  owners(address: string): readonly SimulatedNode[] {
    return this.simulation.nodes.filter(({ name }) => this.#answers.get(name)?.some((answer) => answer.address === address && !answer.leaving) === true);
  }

  #tick(node: SimulatedNode): void {
    this.#give(node, { type: 'tick' });
    this.simulation.at(this.simulation.nowMs + TICK_MS, () => this.#tick(node));
  }

  #tellMembers(node: SimulatedNode): void {
    const { machine } = node;
    if (machine === null) return;
    const { refutations } = machine.counts();
    const accused = refutations > (this.#refutations.get(node.name) ?? 0);
    this.#refutations.set(node.name, refutations);
    this.#give(node, { type: 'membership', alive: machine.alive(), members: [], accused, doubt: machine.doubt() });
  }

  #give(node: SimulatedNode, event: EngineEvent): void {
    const { nowMs } = this.simulation;
    for (const effect of this.#engines.get(node.name)?.handle(event, { monotonicMs: nowMs, wallMs: nowMs }) ?? []) this.#perform(node, effect);
  }

  #perform(node: SimulatedNode, effect: EngineEffect): void {
    const { simulation } = this;
    if (effect.type === 'memberState') simulation.setState(node, effect.state);
    if (effect.type === 'ports') {
      const { generation } = effect;
      simulation.at(simulation.nowMs + KERNEL_MS, () => this.#give(node, { type: 'kernel', generation, report: { programmed: true, ports: 0, problems: [] } }));
    }
    if (effect.type === 'answers') this.#speak(node, effect.answers);
  }

  /** Gratuitous frames of what is new end the departures of others. */
  #speak(node: SimulatedNode, answers: readonly L2Answer[]): void {
    const before = new Set(this.#answers.get(node.name)?.filter(({ leaving }) => !leaving).map(({ address }) => address));
    this.#answers.set(node.name, answers);
    for (const { address, leaving } of answers) {
      if (leaving || before.has(address)) continue;
      for (const other of this.simulation.nodes) {
        if (other !== node) this.simulation.at(this.simulation.nowMs + FRAME_MS, () => this.#give(other, { type: 'takenOver', address }));
      }
    }
  }
}
