import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Simulation, FAIR, type SimulatedNode } from './testing/simulation.ts';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';

const SEED = testSeed();
const POOR = { lossRate: 0.1, duplicateRate: 0.05, minDelayMs: 0.1, maxDelayMs: 25 };
const title = (text: string): string => `${text} (GATEHOUSE_SEED=${SEED})`;

/** A simulation in which everybody knows everybody. */
function joined(size: number, salt = 0): Simulation {
  const simulation = new Simulation(size, seededRandom(SEED + salt));
  simulation.startAll();
  simulation.runUntil('all have joined', () => simulation.isAgreed(), 5_000);
  simulation.run(1_000);
  return simulation;
}

function nodeAt(simulation: Simulation, index: number): SimulatedNode {
  return simulation.nodes[index] ?? assert.fail(`no node ${index}`);
}

function sees(node: SimulatedNode, other: SimulatedNode): boolean {
  return node.machine?.alive().has(other.name) ?? false;
}

function statusOf(node: SimulatedNode, other: SimulatedNode): string | undefined {
  return node.machine?.members().find(({ node: name }) => name === other.name)?.status;
}

/** Counts how often a node is no longer seen by another, from now on. */
function countLosses(simulation: Simulation, ofAny: (node: SimulatedNode) => boolean = () => true): () => number {
  let losses = 0;
  const seen = new Map(simulation.nodes.map((node) => [node, new Set(node.aliveNames())]));
  simulation.onChanged = (node) => {
    const now = new Set(node.aliveNames());
    for (const other of simulation.nodes) if (seen.get(node)?.has(other.name) && !now.has(other.name) && ofAny(other)) losses += 1;
    seen.set(node, now);
  };
  return () => losses;
}

function deathTimes(size: number, runs: number): number[] {
  const simulation = joined(size);
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const victim = nodeAt(simulation, run % size);
    simulation.run(500 + simulation.random() * 500);
    simulation.kill(victim);
    times.push(simulation.runUntil('all know of the death', () => simulation.isAgreed(), 5_000));
    simulation.start(victim);
    simulation.runUntil('it is back', () => simulation.isAgreed(), 2_000);
  }
  return times.sort((a, b) => a - b);
}

for (const [size, runs] of [[2, 40], [3, 40], [10, 40], [50, 5]] as const) {
  test(title(`the death of one of ${size} is known to all`), (t) => {
    const times = deathTimes(size, runs);
    t.diagnostic(`${size} nodes, ${runs} deaths: median ${times[runs >> 1]} ms, worst ${times.at(-1)} ms until the last one knows`);
  });
}

test(title('200 nodes join, lose one and hear of a leave, with a bounded number of datagrams'), (t) => {
  const simulation = joined(200);
  const sent = simulation.nodes.map((node) => node.sent);
  simulation.run(1_000);
  const rates = simulation.nodes.map((node, index) => node.sent - (sent[index] ?? 0));
  assert.ok(Math.max(...rates) < 60, `${Math.max(...rates)} datagrams a second`);
  t.diagnostic(`200 nodes: ${(rates.reduce((sum, rate) => sum + rate) / 200).toFixed(1)} datagrams sent per second and node, at most ${Math.max(...rates)}`);
  simulation.kill(nodeAt(simulation, 7));
  t.diagnostic(`a death is known after ${simulation.runUntil('death', () => simulation.isAgreed(), 5_000)} ms`);
  simulation.dispatch(nodeAt(simulation, 8), { type: 'leave' });
  simulation.kill(nodeAt(simulation, 8));
  t.diagnostic(`a leave is known after ${simulation.runUntil('leave', () => simulation.isAgreed(), 2_000)} ms`);
});

for (const [size, minutes] of [[2, 20], [3, 20], [10, 5]] as const) {
  test(title(`no healthy one of ${size} is taken for dead in ${minutes} minutes with 5 % of loss`), (t) => {
    const simulation = joined(size);
    simulation.weather = { ...FAIR, lossRate: 0.05, duplicateRate: 0.01, maxDelayMs: 10 };
    const losses = countLosses(simulation);
    simulation.run(minutes * 60_000);
    const suspicions = simulation.nodes.reduce((sum, { machine }) => sum + (machine?.counts().suspicions ?? 0), 0);
    t.diagnostic(`${suspicions} suspicions, all refuted`);
    assert.equal(losses(), 0);
    assert.equal(simulation.isAgreed(), true);
  });
}

test(title('over a poor network, views and states still agree in the end, and a death is still noticed'), () => {
  const simulation = new Simulation(10, seededRandom(SEED));
  simulation.weather = POOR;
  simulation.startAll();
  simulation.runUntil('all have joined', () => simulation.isAgreed(), 10_000);
  for (const [index, node] of simulation.nodes.entries()) simulation.setState(node, { serving: index % 2 === 0, unable: ['eth9'], held: [`192.0.2.${index}`] });
  const wanted = simulation.nodes.map(({ name }, index) => `${name} 192.0.2.${index}`).sort().join();
  const told = ({ machine }: SimulatedNode): string => [...(machine?.alive() ?? [])].map(([name, { held }]) => `${name} ${held[0]}`).sort().join();
  simulation.runUntil('all know all states', () => simulation.nodes.every((node) => told(node) === wanted), 5_000);
  simulation.kill(nodeAt(simulation, 4));
  simulation.runUntil('all know of the death', () => simulation.isAgreed(), 10_000);
});

test('a state that changes is known to all within the time of one datagram', () => {
  const simulation = joined(10);
  const node = nodeAt(simulation, 2);
  simulation.setState(node, { serving: false, unable: [], held: [] });
  simulation.run(1);
  for (const other of simulation.nodes) assert.equal(other.machine?.alive().get(node.name)?.serving, false, other.name);
});

test(title('states of 16 KiB reach all, in parts, also when many are lost'), () => {
  const simulation = joined(5);
  simulation.weather = POOR;
  const held = Array.from({ length: 3_200 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  const node = nodeAt(simulation, 0);
  for (const last of ['198.51.100.1', '198.51.100.2']) {
    simulation.setState(node, { serving: true, unable: [], held: [...held, last] });
    simulation.runUntil('all have it', () => simulation.nodes.every(({ machine }) => machine?.alive().get(node.name)?.held.at(-1) === last), 5_000);
  }
  assert.deepEqual(nodeAt(simulation, 3).machine?.alive().get(node.name)?.held.length, 3_201);
});

test('a member that leaves is gone within the time of one datagram, and back as soon as it starts', () => {
  const simulation = joined(5);
  const node = nodeAt(simulation, 1);
  simulation.dispatch(node, { type: 'leave' });
  simulation.kill(node);
  simulation.run(1);
  assert.equal(simulation.isAgreed(), true);
  assert.equal(statusOf(nodeAt(simulation, 0), node), 'left');
  simulation.start(node);
  simulation.run(3);
  assert.equal(simulation.isAgreed(), true);
});

test('a member that was killed and started again is never missed, and what it said before is forgotten', () => {
  const simulation = joined(3);
  const [node, other] = [nodeAt(simulation, 0), nodeAt(simulation, 1)];
  const losses = countLosses(simulation, (lost) => lost === node);
  simulation.setState(node, { serving: true, unable: [], held: ['192.0.2.7'] });
  simulation.run(50);
  simulation.kill(node);
  simulation.run(50);
  simulation.start(node);
  simulation.run(5);
  assert.deepEqual(other.machine?.alive().get(node.name), { serving: true, unable: [], held: [] });
  simulation.run(5_000);
  assert.equal(losses(), 0);
});

for (const how of ['killed', 'dead', 'left'] as const) {
  test(`a member that was ${how} and starts again with a clock that has gone back is believed at once`, () => {
    const simulation = joined(4);
    const node = nodeAt(simulation, 0);
    if (how === 'left') simulation.dispatch(node, { type: 'leave' });
    simulation.run(1);
    simulation.kill(node);
    if (how === 'dead') simulation.runUntil('it is dead', () => simulation.isAgreed(), 5_000);
    simulation.start(node, 5);
    simulation.run(5);
    assert.equal(simulation.isAgreed(), true, simulation.describe());
    simulation.run(3_000);
    assert.equal(simulation.isAgreed(), true);
    assert.deepEqual(nodeAt(simulation, 1).machine?.alive().get(node.name)?.serving, true);
  });
}

test(title('after a partition both sides see only themselves, and after it has healed all see all'), () => {
  for (const size of [2, 3, 5, 10]) {
    const simulation = joined(size, size);
    const isLeft = ({ name }: SimulatedNode): boolean => Number(name.slice(5)) <= size / 2;
    simulation.passes = (from, to) => isLeft(from) === isLeft(to);
    const halves = [simulation.nodes.filter(isLeft), simulation.nodes.filter((node) => !isLeft(node))];
    simulation.runUntil('each side agrees', () => halves.every((half) => half.every((node) => node.aliveNames().join() === half.map(({ name }) => name).sort().join())), 5_000);
    simulation.run(30_000);
    simulation.passes = () => true;
    simulation.runUntil('all see all', () => simulation.isAgreed(), 3_000);
  }
});

test('after a partition has healed, a refresh brings all together within the time of a few datagrams', () => {
  const simulation = joined(4);
  const node = nodeAt(simulation, 0);
  simulation.passes = (from, to) => from !== node && to !== node;
  simulation.runUntil('it is alone', () => node.aliveNames().length === 1, 5_000);
  simulation.run(10_000);
  simulation.passes = () => true;
  simulation.dispatch(node, { type: 'refresh' });
  simulation.run(10);
  assert.equal(simulation.isAgreed(), true);
});

test(title('while two cannot speak with each other but with a third, nobody is missed'), () => {
  for (const direction of ['one way', 'both ways'] as const) {
    const simulation = joined(4);
    const [a, b] = [nodeAt(simulation, 0), nodeAt(simulation, 1)];
    const losses = countLosses(simulation);
    simulation.passes = (from, to) => !(from === a && to === b) && !(direction === 'both ways' && from === b && to === a);
    simulation.run(60_000);
    assert.equal(losses(), 0, direction);
  }
});

test(title('a node that hears nothing is taken for dead, and gets nobody else missed'), () => {
  const simulation = joined(5);
  const deaf = nodeAt(simulation, 2);
  const losses = countLosses(simulation, (node) => node !== deaf);
  simulation.onChanged = ((count) => (node: SimulatedNode) => {
    if (node !== deaf) count(node);
  })(simulation.onChanged);
  simulation.passes = (_from, to) => to !== deaf;
  simulation.runUntil('it is dead to all', () => simulation.nodes.every((node) => node === deaf || !sees(node, deaf)), 5_000);
  simulation.run(20_000);
  assert.equal(losses(), 0);
  assert.ok(simulation.nodes.every((node) => node === deaf || !sees(node, deaf)), 'and stays so');
  simulation.passes = () => true;
  simulation.runUntil('it hears again', () => simulation.isAgreed(), 3_000);
});

test('a node whose datagrams cannot be sent believes nobody dead', () => {
  const simulation = joined(4);
  const mute = nodeAt(simulation, 0);
  mute.isMute = true;
  simulation.runUntil('it is dead to the others', () => !sees(nodeAt(simulation, 1), mute) && !sees(nodeAt(simulation, 2), mute), 5_000);
  simulation.run(10_000);
  assert.equal(mute.aliveNames().length, 4);
  mute.isMute = false;
  simulation.runUntil('it is back', () => simulation.isAgreed(), 3_000);
});

test(title('a process that was stopped accuses nobody when it goes on, and is back at once'), () => {
  for (const [size, pauseMs] of [[3, 500], [3, 10_000], [10, 60_000]] as const) {
    const simulation = joined(size, pauseMs);
    const stopped = nodeAt(simulation, 1);
    simulation.stop(stopped);
    simulation.runUntil('the others know', () => simulation.isAgreed() || pauseMs < 1_000, 5_000);
    simulation.run(pauseMs);
    const losses = countLosses(simulation);
    simulation.continue(stopped);
    const backMs = simulation.runUntil('it is back', () => simulation.isAgreed(), 1_500);
    simulation.run(3_000);
    assert.equal(losses(), 0, `${size} nodes, stopped for ${pauseMs} ms`);
    assert.ok(backMs <= 1_500);
    assert.equal(stopped.machine?.counts().pauses, 1);
  }
});

test(title('all processes that were stopped at once, as with a machine that slept, miss nobody'), () => {
  const simulation = joined(5);
  const losses = countLosses(simulation);
  for (const node of simulation.nodes) simulation.stop(node);
  simulation.run(30_000);
  for (const node of simulation.nodes) simulation.continue(node);
  simulation.run(5_000);
  assert.equal(losses(), 0);
});

test(title('a process that gets to run only every 120 ms gets nobody missed, nor is it'), () => {
  const simulation = joined(5);
  const slow = nodeAt(simulation, 3);
  slow.turnMs = 120;
  const losses = countLosses(simulation);
  simulation.run(120_000);
  assert.equal(losses(), 0);
});

test(title('a process that gets to run only every 350 ms gets nobody else missed'), (t) => {
  const simulation = joined(5);
  const slow = nodeAt(simulation, 3);
  slow.turnMs = 350;
  const losses = countLosses(simulation, (node) => node !== slow);
  simulation.run(60_000);
  t.diagnostic(`it had to refute ${slow.machine?.counts().refutations} suspicions in a minute`);
  assert.equal(losses(), 0);
});

test('the same seed gives the same history', () => {
  const history = (): string => {
    const simulation = new Simulation(6, seededRandom(SEED));
    simulation.weather = POOR;
    simulation.startAll();
    simulation.run(5_000);
    return JSON.stringify(simulation.nodes.map(({ sent, received, logs, machine }) => [sent, received, logs, machine?.members(), machine?.counts()]));
  };
  assert.equal(history(), history());
});
