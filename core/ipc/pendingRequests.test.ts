import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPendingRequests } from './pendingRequests.ts';

test('answers reach those who asked, in whatever order they come', async () => {
  const requests = createPendingRequests<string>('the other side', 10_000);
  const ids: number[] = [];
  const first = requests.open((id) => ids.push(id));
  const second = requests.open((id) => ids.push(id));
  requests.settle(ids[1] ?? 0, 'second');
  requests.settle(ids[0] ?? 0, 'first');
  assert.deepEqual(await Promise.all([first, second]), ['first', 'second']);
});

test('an answer to nothing, or a second one, is ignored', async () => {
  const requests = createPendingRequests<string>('the other side', 10_000);
  requests.settle(7, 'unasked');
  const answer = requests.open((id) => {
    requests.settle(id, 'first');
    requests.settle(id, 'second');
  });
  assert.equal(await answer, 'first');
});

test('what cannot be sent rejects at once, and nothing waits for its answer', async () => {
  const requests = createPendingRequests<string>('the other side', 10_000);
  await assert.rejects(requests.open(() => { throw new TypeError('no way to send it'); }), TypeError);
});

test('silence is a timeout that names who was silent', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answer = createPendingRequests<string>('worker 2', 2_000).open(() => {});
  t.mock.timers.tick(2_000);
  await assert.rejects(answer, { code: 'timeout', message: 'worker 2 did not answer within 2000 ms' });
});

test('the end of the other side rejects all that wait', async () => {
  const requests = createPendingRequests<string>('worker 2', 10_000);
  const answers = [requests.open(() => {}), requests.open(() => {})];
  requests.abandon('it has ended');
  for (const answer of answers) await assert.rejects(answer, { code: 'gone', message: 'worker 2 cannot answer: it has ended' });
});
