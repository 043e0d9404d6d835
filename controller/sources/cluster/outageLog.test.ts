import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutageLog } from './outageLog.ts';
import { KubeError } from '../../cluster/kubeApi.ts';
import { silentLogger, type Logger } from '../../../core/log/logger.ts';
import { createManualClock } from '../../../core/time/manualClock.ts';

const error = new KubeError('unreachable', 'connect ECONNREFUSED');

test('an outage that many notice is said once, and its end once, with how long it was', () => {
  const lines: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (message) => void lines.push(message),
    info: (message, fields) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  };
  const clock = createManualClock();
  const log = new OutageLog(logger, clock);
  for (const failures of [1, 2, 3, 4]) for (const name of ['Service', 'Ingress']) log.note(name, { failures, error });
  clock.advance(7_000);
  log.note('Service', { failures: 0, error: null });
  assert.equal(lines.length, 1);
  log.note('Ingress', { failures: 0, error: null });
  log.note('Ingress', { failures: 0, error: null });
  assert.deepEqual(lines, ['the API server does not answer: what is known, if anything, stays in use', 'the API server answers again {"afterMs":7000}']);
});

test('a watch that was cut once is not worth a line', () => {
  const logger: Logger = { ...silentLogger, warn: () => assert.fail(), info: () => assert.fail() };
  const log = new OutageLog(logger, createManualClock());
  log.note('Service', { failures: 2, error });
  log.note('Service', { failures: 0, error: null });
});

test('one that is dropped while it fails holds nothing up', () => {
  let ended = 0;
  const log = new OutageLog({ ...silentLogger, info: () => void (ended += 1) }, createManualClock());
  log.note('Secret shop/a', { failures: 3, error });
  log.note('Service', { failures: 3, error });
  log.forget('Secret shop/a');
  log.note('Service', { failures: 0, error: null });
  assert.equal(ended, 1);
});
