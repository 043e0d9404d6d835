import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ECHO_PAYLOAD_BYTES, EchoFunction, readEchoDiscriminator } from './echoFunction.ts';

const start = (key = 5, random = () => 0): EchoFunction => {
  const echo = new EchoFunction({ discriminator: 7, key: Buffer.alloc(6, key), random });
  echo.setTimers({ intervalMs: 100, detectMultiplier: 3 });
  return echo;
};

test('packets are due at 75 to 100 % of the interval, none while it is not active', () => {
  for (const [random, dueMs] of [[0, 75], [1 - 1e-9, 100]] as const) {
    const echo = start(5, () => random);
    assert.equal(echo.sendDueMs(), Number.NEGATIVE_INFINITY);
    assert.equal(echo.send(0).length, ECHO_PAYLOAD_BYTES);
    assert.ok(Math.abs((echo.sendDueMs() ?? 0) - dueMs) < 0.01);
    echo.setTimers(null);
    assert.deepEqual([echo.sendDueMs(), echo.expiresMs()], [null, null]);
  }
});

test('it fails a detection time after the last return, or after the first packet', () => {
  const echo = start();
  assert.equal(echo.expiresMs(), null);
  const first = echo.send(10);
  echo.send(90);
  assert.equal(echo.expiresMs(), 310);
  assert.equal(echo.receive(first, 100), true);
  assert.equal(echo.expiresMs(), 400);
});

test('what comes twice, late, from the future, with another key or mutilated is no return', () => {
  const echo = start();
  const [first, second] = [echo.send(0), echo.send(80)];
  const future = Buffer.from(second);
  future.writeUInt8(0xff, ECHO_PAYLOAD_BYTES - 1);
  const foreign = start(6).send(0);
  for (const bad of [future, foreign, second.subarray(1), Buffer.alloc(0), Buffer.alloc(ECHO_PAYLOAD_BYTES)]) assert.equal(echo.receive(bad, 81), false);
  assert.equal(echo.receive(second, 81), true);
  for (const old of [first, second]) assert.equal(echo.receive(old, 82), false);
  echo.setTimers(null);
  assert.equal(echo.receive(second, 83), false);
});

test('whose a payload is can be read from it', () => {
  assert.equal(readEchoDiscriminator(start().send(0)), 7);
  assert.equal(readEchoDiscriminator(Buffer.alloc(15)), null);
});
