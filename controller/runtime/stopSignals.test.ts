import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { listenForSignals } from './stopSignals.ts';

interface Bench {
  readonly signals: EventEmitter;
  readonly heard: readonly string[];
  readonly forget: () => void;
  readonly advance: (ms: number) => void;
}

function bench(): Bench {
  let nowMs = 0;
  const signals = new EventEmitter();
  const heard: string[] = [];
  const handlers = {
    stop: (signal: string) => { heard.push(`stop ${signal}`); },
    endNow: () => { heard.push('end now'); },
    hangUp: () => { heard.push('hang up'); },
  };
  const forget = listenForSignals(signals, handlers, () => nowMs);
  return { signals, heard, forget, advance: (ms) => { nowMs += ms; } };
}

test('the first SIGTERM or SIGINT stops, a later SIGINT ends at once, a later SIGTERM changes nothing', () => {
  const { signals, heard, advance } = bench();
  signals.emit('SIGTERM', 'SIGTERM');
  advance(1000);
  signals.emit('SIGTERM', 'SIGTERM');
  assert.deepEqual(heard, ['stop SIGTERM']);
  signals.emit('SIGINT', 'SIGINT');
  assert.deepEqual(heard, ['stop SIGTERM', 'end now']);
});

test('one press of Ctrl-C that arrives twice, by terminal and by npm, is one press', () => {
  const { signals, heard, advance } = bench();
  signals.emit('SIGINT', 'SIGINT');
  advance(20);
  signals.emit('SIGINT', 'SIGINT');
  assert.deepEqual(heard, ['stop SIGINT']);
  advance(480);
  signals.emit('SIGINT', 'SIGINT');
  assert.deepEqual(heard, ['stop SIGINT', 'end now']);
});

test('SIGHUP is told apart, and nothing is heard once forgotten', () => {
  const { signals, heard, forget } = bench();
  signals.emit('SIGHUP', 'SIGHUP');
  assert.deepEqual(heard, ['hang up']);
  forget();
  assert.deepEqual(signals.eventNames(), []);
});
