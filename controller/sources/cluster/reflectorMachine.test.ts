import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubeError, type KubeErrorCode } from '../../cluster/kubeApi.ts';
import {
  INITIAL_REFLECTOR_STATE,
  reflectorStep,
  type ReflectorEffect,
  type ReflectorOutcome,
  type ReflectorState,
  type ReflectorSurroundings,
} from './reflectorMachine.ts';

function failed(code: KubeErrorCode, retryAfterMs: number | null = null): ReflectorOutcome {
  return { type: 'failed', error: new KubeError(code, code, { retryAfterMs }) };
}

const lastPage = (resourceVersion = '7'): ReflectorOutcome => ({ type: 'page', continueToken: '', resourceVersion });
const morePages = (continueToken = 'next'): ReflectorOutcome => ({ type: 'page', continueToken, resourceVersion: '7' });
const event = (resourceVersion = '8'): ReflectorOutcome => ({ type: 'event', resourceVersion });

/** Carries a machine through outcomes; time moves only when told. */
class Run {
  state: ReflectorState = INITIAL_REFLECTOR_STATE;
  readonly effects: ReflectorEffect[] = [];
  nowMs = 0;
  random = (): number => 1;

  take(...outcomes: readonly ReflectorOutcome[]): this {
    for (const outcome of outcomes) {
      const around: ReflectorSurroundings = { nowMs: this.nowMs, random: this.random };
      const { state, effect } = reflectorStep(this.state, outcome, around);
      this.state = state;
      if (effect !== 'none') this.effects.push(effect);
    }
    return this;
  }

  /** Waits as long as the machine wants. */
  wait(): this {
    this.nowMs += this.waitMs;
    return this.take({ type: 'waited' });
  }

  get waitMs(): number {
    assert.equal(this.state.command.type, 'wait');
    return this.state.command.type === 'wait' ? this.state.command.waitMs : 0;
  }

  get doing(): string {
    const { command } = this.state;
    switch (command.type) {
      case 'list':
        return `list ${command.continueToken}`.trim();
      case 'watch':
        return `watch ${command.resourceVersion}`.trim();
      case 'wait':
        return `wait ${command.waitMs} then ${command.afterwards === null ? 'watch' : `list ${command.afterwards.continueToken}`.trim()}`;
    }
  }
}

test('it begins with a list', () => {
  assert.equal(new Run().doing, 'list');
});

test('pages follow each other, the last makes it synced and starts a watch from its version', () => {
  const run = new Run().take(morePages('a'));
  assert.equal(run.doing, 'list a');
  assert.equal(run.state.synced, false);
  run.take(lastPage('42'));
  assert.deepEqual([run.doing, run.state.synced, run.effects], ['watch 42', true, ['complete']]);
});

test('a watch is asked to last between five and ten minutes', () => {
  for (const [random, seconds] of [[0, 300], [0.5, 450], [0.999, 599]] as const) {
    const run = new Run();
    run.random = () => random;
    const { command } = run.take(lastPage()).state;
    assert.equal(command.type === 'watch' && command.timeoutSeconds, seconds);
  }
});

test('a watch that ends after events goes on at once from the last version, without a list', () => {
  const run = new Run().take(lastPage('7'), { type: 'opened' }, event('8'), event('9'), { type: 'ended' });
  assert.equal(run.doing, 'watch 9');
  assert.deepEqual(run.effects, ['complete']);
});

test('an event without a version does not change where to go on', () => {
  assert.equal(new Run().take(lastPage('7'), event(''), { type: 'ended' }).doing, 'watch 7');
});

test('a quiet watch that lived a second goes on at once, a shorter one after a growing wait of at most half a second', () => {
  const run = new Run().take(lastPage('7'), { type: 'opened' });
  run.nowMs += 1_000;
  assert.equal(run.take({ type: 'ended' }).doing, 'watch 7');
  const waits: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    run.take({ type: 'opened' }, { type: 'ended' });
    waits.push(run.waitMs);
    run.wait();
  }
  assert.deepEqual(waits, [50, 100, 200, 400, 500, 500, 500, 500]);
});

test('every tenth watch that ends at once without a word has the kind listed again', () => {
  const run = new Run().take(lastPage('7'));
  const lists: number[] = [];
  for (let round = 1; round <= 20; round += 1) {
    run.take({ type: 'opened' }, { type: 'ended' }).wait();
    if (run.doing !== 'list') continue;
    lists.push(round);
    run.take(lastPage('8'));
  }
  assert.deepEqual(lists, [10, 20]);
});

test('a watch that is never accepted is no sound one however long it takes', () => {
  const run = new Run().take(lastPage('7'));
  run.nowMs += 5_000;
  assert.equal(run.take({ type: 'ended' }).doing, 'wait 50 then watch');
});

test('while the API server is away the wait grows to one second and never beyond, and the version is kept', () => {
  const run = new Run().take(lastPage('7'));
  const waits: number[] = [];
  for (let round = 0; round < 40; round += 1) {
    run.take(failed(round % 2 === 0 ? 'unreachable' : 'timeout'));
    waits.push(run.waitMs);
    assert.equal(run.wait().doing, 'watch 7');
  }
  assert.deepEqual(waits.slice(0, 7), [50, 100, 200, 400, 800, 1_000, 1_000]);
  assert.equal(Math.max(...waits), 1_000);
  assert.deepEqual(run.effects, ['complete']);
  assert.equal(run.state.fault?.type, 'away');
});

test('waits differ by chance, from half to the whole', () => {
  const run = new Run().take(lastPage('7'));
  run.random = () => 0;
  for (let round = 0; round < 10; round += 1) {
    run.take(failed('unreachable'));
    run.wait();
  }
  assert.equal(run.take(failed('unreachable')).waitMs, 500);
});

test('after a success the waits begin anew', () => {
  const run = new Run().take(lastPage('7'));
  for (let round = 0; round < 5; round += 1) run.take(failed('unreachable')).wait();
  assert.equal(run.take(event(), failed('unreachable')).waitMs, 50);
});

test('the fault is over as soon as a watch is accepted', () => {
  const run = new Run().take(lastPage('7'), failed('unreachable')).wait().take({ type: 'opened' });
  assert.equal(run.state.fault, null);
});

test('a page that fails is asked for again where it was', () => {
  const run = new Run().take(morePages('a'), failed('unreachable'));
  assert.equal(run.doing, 'wait 50 then list a');
  assert.equal(run.wait().doing, 'list a');
  assert.deepEqual(run.effects, []);
});

test('a first list that fails begins again', () => {
  const run = new Run().take(failed('unreachable')).wait();
  assert.deepEqual([run.doing, run.effects], ['list', ['begin']]);
});

test('410 in the middle of a list starts it again at once, then with growing waits', () => {
  const run = new Run().take(morePages('a'), failed('gone'));
  assert.deepEqual([run.doing, run.effects], ['list', ['begin']]);
  assert.equal(run.take(morePages('a'), failed('gone')).doing, 'wait 100 then list');
  assert.equal(run.wait().take(morePages('a'), failed('gone')).doing, 'wait 200 then list');
});

test('410 of a watch lists again at once and then watches from the new version', () => {
  const run = new Run().take(lastPage('7'), event('8'), failed('gone'));
  assert.deepEqual([run.doing, run.state.synced], ['list', true]);
  assert.equal(run.take(lastPage('90')).doing, 'watch 90');
  assert.deepEqual(run.effects, ['complete', 'begin', 'complete']);
});

test('a server whose watches are always too old is not asked in circles', () => {
  const run = new Run().take(lastPage('7'), failed('gone'));
  assert.equal(run.doing, 'list');
  const waits: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    run.take(lastPage('7'), failed('gone'));
    waits.push(run.waitMs);
    run.wait();
  }
  assert.deepEqual(waits, [100, 200, 400, 800, 1_500, 1_500, 1_500, 1_500]);
});

test('429 and 5xx wait as long as the server asks, up to 30 s, and else at most 1.5 s', () => {
  for (const code of ['tooManyRequests', 'server'] as const) {
    const run = new Run().take(lastPage('7'));
    run.random = () => 0;
    assert.equal(run.take(failed(code, 4_000)).waitMs, 4_000);
    run.wait();
    assert.equal(run.take(failed(code, 600_000)).waitMs, 30_000);
    run.wait();
    run.random = () => 1;
    for (let round = 0; round < 20; round += 1) run.take(failed(code)).wait();
    assert.equal(run.take(failed(code)).waitMs, 1_500);
  }
});

test('a Retry-After of zero does not undo the growing waits', () => {
  const run = new Run();
  for (let round = 0; round < 10; round += 1) run.take(failed('tooManyRequests', 0)).wait();
  assert.equal(run.take(failed('tooManyRequests', 0)).waitMs, 1_500);
});

test('a watch that is answered with errors five times in a row is given up for a list', () => {
  const run = new Run().take(lastPage('7'));
  for (let round = 0; round < 4; round += 1) run.take(failed('server')).wait();
  assert.equal(run.doing, 'watch 7');
  run.take(failed('server')).wait();
  assert.deepEqual([run.doing, run.effects], ['list', ['complete', 'begin']]);
});

test('403 is a refusal of its verb, asked again ever more rarely, and what was known stays', () => {
  const run = new Run().take(lastPage('7'));
  const waits: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    run.take(failed('forbidden'));
    waits.push(run.waitMs);
    run.wait();
  }
  assert.deepEqual(waits.slice(0, 13), [50, 100, 200, 400, 800, 1_500, 1_500, 1_500, 1_500, 1_500, 1_500, 1_500, 3_000]);
  assert.equal(waits.at(-1), 30_000);
  assert.deepEqual([run.state.synced, run.doing, run.effects], [true, 'watch 7', ['complete']]);
  const { fault } = run.take(failed('forbidden')).state;
  assert.equal(fault?.type === 'refused' && fault.verb, 'watch');
});

test('403 before the first list leaves it unsynced', () => {
  const run = new Run().take(failed('forbidden'));
  const { fault, synced } = run.state;
  assert.deepEqual([fault?.type === 'refused' && fault.verb, synced], ['list', false]);
});

test('404 of a kind counts as empty once it was said for half a second, and is rechecked every ten seconds or a little less', () => {
  const run = new Run().take(failed('notFound'));
  assert.deepEqual([run.doing, run.state.synced], ['wait 500 then list', false]);
  run.wait().take(failed('notFound'));
  assert.deepEqual([run.state.synced, run.state.fault?.type, run.effects], [true, 'missing', ['begin', 'clear']]);
  assert.equal(run.doing, 'wait 10000 then list');
  run.random = () => 0;
  assert.equal(run.wait().take(failed('notFound')).doing, 'wait 9000 then list');
});

test('404 of a kind that is known takes its objects away only after five seconds', () => {
  const run = new Run().take(lastPage('7'), failed('notFound'));
  while (!run.effects.includes('clear')) run.wait().take(failed('notFound'));
  assert.equal(run.nowMs, 5_000);
});

test('a 404 that passes takes nothing away', () => {
  const run = new Run().take(lastPage('7'), failed('notFound')).wait().take(failed('notFound')).wait().take(lastPage('9'));
  assert.deepEqual([run.doing, run.effects.includes('clear'), run.state.missingSinceMs], ['watch 9', false, null]);
});

test('404s with another failure between them are counted anew', () => {
  const run = new Run().take(lastPage('7'), failed('notFound'));
  for (let round = 0; round < 9; round += 1) run.wait().take(failed('notFound'));
  run.wait().take(failed('unreachable')).wait().take(failed('notFound'));
  assert.equal(run.effects.includes('clear'), false);
});

test('a kind that comes to be is listed and watched, and is no problem any more', () => {
  const run = new Run().take(failed('notFound')).wait().take(failed('notFound')).wait().take(lastPage('5'));
  assert.deepEqual([run.doing, run.state.fault], ['watch 5', null]);
});

test('a question the server finds wrong is asked from the start', () => {
  const run = new Run().take(morePages('a'), failed('invalid')).wait();
  assert.equal(run.doing, 'list');
});

test('a list without a version is watched from now on', () => {
  assert.equal(new Run().take(lastPage('')).doing, 'watch');
});
