import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RoutePolicy } from '../../core/ir/virtualHost.ts';
import { createManualClock } from '../../core/time/manualClock.ts';
import { newEndpointState } from '../balance/endpointState.ts';
import type { Exchange, RequestHead } from '../http/exchange.ts';
import { Fields } from '../http/fields.ts';
import type { Upstream, UpstreamError, UpstreamHandler } from '../http/upstream.ts';
import { Deadlines } from '../limits/deadlines.ts';
import { emptyDraft } from '../observe/exchangeRecord.ts';
import { Forwarding } from './forwarding.ts';

const POLICY: RoutePolicy = {
  connectTimeoutMs: 1_000,
  readTimeoutMs: 1_000,
  sendTimeoutMs: 1_000,
  retry: { tries: 3, totalMs: null, on: { error: true, timeout: true, invalidHeader: false, statuses: [], nonIdempotent: false } },
  maxBodyBytes: null,
  upstreamHost: null,
  accessLog: true,
};
const RESET: UpstreamError = { code: 'reset', detail: 'a test', sent: true };

/** A forwarding of a PUT between a client and backends that do nothing by themselves; `said` is what happened, in order. */
function forwardingOf(expectsContinue: boolean): { forwarding: Forwarding; tries: UpstreamHandler[]; said: string[] } {
  const said: string[] = [];
  const tries: UpstreamHandler[] = [];
  const clock = createManualClock();
  const head: RequestHead = {
    method: 'PUT',
    scheme: 'http',
    authority: 'gw.test',
    target: '/',
    fields: new Fields(),
    bodyLength: null,
    upgrade: null,
    expectsContinue,
    protocol: 'HTTP/1.1',
  };
  const exchange: Partial<Exchange> = {
    request: head,
    start: () => {},
    resumeBody: () => said.push('resume'),
    sendContinue: () => said.push('continue'),
  };
  const upstream: Upstream = {
    request: (_target, _head, handler) => {
      const number = tries.push(handler);
      return {
        connectMs: 0,
        write: (chunk) => said.push(`${number} write ${chunk.toString()}`) > 0,
        end: () => said.push(`${number} end`),
        resumeResponse: () => {},
        abort: () => said.push(`${number} abort`),
      };
    },
    retire: () => {},
    close: () => {},
  };
  const targets = [1, 2, 3].map((port) => newEndpointState({ host: '127.0.0.1', port, weight: 1, state: 'ready' }));
  const chooser = {
    readyCount: targets.length,
    choose: (tried: readonly unknown[]) => {
      const target = targets.find((each) => !tried.includes(each));
      return target === undefined ? null : { target, setCookie: null };
    },
    started: () => {},
    finished: () => {},
    connectSucceeded: () => {},
    connectFailed: () => {},
  };
  const plan = { exchange: exchange as Exchange, head, policy: POLICY, chooser, draft: emptyDraft('192.0.2.1', 'http') };
  const forwarding = new Forwarding(plan, {
    clock,
    deadlines: new Deadlines(clock),
    upstream,
    answer: (_plan, status) => said.push(`answer ${status}`),
    finishHead: (responseHead) => responseHead,
    onEnd: () => said.push('over'),
    onTunnel: () => {},
    onTunnelEnd: () => {},
  });
  forwarding.start();
  return { forwarding, tries, said };
}

test('body that comes while another try is still connecting waits for it, and goes behind its head', () => {
  const { forwarding, tries, said } = forwardingOf(false);
  tries[0]?.onReady();
  tries[0]?.onError(RESET);
  assert.equal(tries.length, 2);
  assert.equal(forwarding.onBody(Buffer.from('abc')), false, 'the client is held back');
  assert.deepEqual(said, ['resume']);
  tries[1]?.onReady();
  assert.deepEqual(said, ['resume', '2 write abc', 'resume']);
});

test('an end of body that comes while another try is still connecting waits for it too', () => {
  const { forwarding, tries, said } = forwardingOf(false);
  tries[0]?.onReady();
  tries[0]?.onError(RESET);
  forwarding.onBodyEnd(null);
  assert.deepEqual(said, ['resume']);
  tries[1]?.onReady();
  assert.deepEqual(said, ['resume', '2 end']);
});

test('body that waits for a try has not been sent, so a further try gets it', () => {
  const { forwarding, tries, said } = forwardingOf(false);
  tries[0]?.onReady();
  tries[0]?.onError(RESET);
  forwarding.onBody(Buffer.from('abc'));
  tries[1]?.onError({ code: 'connectFailed', detail: 'a test', sent: false });
  tries[2]?.onReady();
  assert.deepEqual(said, ['resume', '3 write abc', 'resume']);
  tries[2]?.onError(RESET);
  assert.deepEqual(said.at(-1), 'answer 502');
});

test('a second 100 does not undo what holds the body back', () => {
  const { tries, said } = forwardingOf(true);
  tries[0]?.onReady();
  assert.deepEqual(said, []);
  tries[0]?.onContinue();
  tries[0]?.onContinue();
  assert.deepEqual(said, ['continue', 'resume', 'continue']);
});

test('what a try says after it was given up reaches nobody', () => {
  const { forwarding, tries, said } = forwardingOf(false);
  tries[0]?.onReady();
  tries[0]?.onError(RESET);
  tries[0]?.onWritable();
  tries[0]?.onReady();
  forwarding.onAbort('clientGone', null);
  tries[1]?.onReady();
  assert.deepEqual(said, ['resume', '2 abort', 'over']);
});

test('a backend whose TLS fails has got nothing, so another one is tried, and 502 answered when none is left', () => {
  const { tries, said } = forwardingOf(false);
  for (let number = 0; number < 3; number += 1) tries[number]?.onError({ code: 'tlsFailed', detail: 'a test', sent: false });
  assert.equal(tries.length, 3);
  assert.deepEqual(said, ['answer 502']);
});
