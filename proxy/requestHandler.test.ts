import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../core/time/manualClock.ts';
import type { Exchange, ResponseHead } from './http/exchange.ts';
import { Fields } from './http/fields.ts';
import { ForwardedFields } from './http/forwardedFields.ts';
import { Deadlines } from './limits/deadlines.ts';
import type { ExchangeRecord } from './observe/exchangeRecord.ts';
import { RequestHandler } from './requestHandler.ts';
import { ClusterTable } from './balance/clusterTable.ts';
import { RouteTable } from './route/routeTable.ts';
import { compileRoute } from './routeState.ts';

test('a fault while a request is decided is answered 500, recorded and told, and ends nothing else', () => {
  const clock = createManualClock();
  const faults: unknown[] = [];
  const records: ExchangeRecord[] = [];
  const sent: ResponseHead[] = [];
  const routes = new RouteTable(compileRoute);
  routes.match = () => {
    throw new Error('by a bug');
  };
  const handler = new RequestHandler({
    clock,
    deadlines: new Deadlines(clock),
    tables: { routes, clusters: new ClusterTable({ clock, random: Math.random }), covers: () => true, random: Math.random },
    forwardedFields: () => new ForwardedFields({ trustedCidrs: [], appendForwardedFor: false }),
    upstream: { request: () => assert.fail('nothing is to be forwarded'), retire: () => {}, close: () => {} },
    onRecord: (record) => records.push(record),
    onEjected: () => {},
    onFault: (fault) => faults.push(fault),
    onStart: () => {},
    onTunnel: () => {},
    onTunnelEnd: () => {},
  });
  handler.handle(exchangeOf(sent));
  assert.match(String(faults[0]), /by a bug/);
  assert.deepEqual(sent.map(({ status }) => status), [500]);
  assert.deepEqual(records.map(({ status, answeredBy }) => [status, answeredBy]), [[500, 'internalError']]);
});

function exchangeOf(sent: ResponseHead[]): Exchange {
  return {
    request: {
      method: 'GET',
      scheme: 'http',
      authority: 'gw.test',
      target: '/',
      fields: new Fields(),
      bodyLength: 0,
      upgrade: null,
      expectsContinue: false,
      protocol: 'HTTP/1.1',
    },
    client: { remoteAddress: '192.0.2.1', remotePort: 1, localAddress: '192.0.2.2', localPort: 80, tls: null },
    startedAtMs: 0,
    requestBytes: 0,
    responseBodyBytes: 0,
    responseBytes: 0,
    start: () => {},
    resumeBody: () => {},
    sendContinue: () => {},
    sendInformational: () => {},
    sendHead: (head) => void sent.push(head),
    write: () => true,
    end: () => {},
    acceptUpgrade: () => assert.fail('nothing is to be upgraded'),
    abort: () => {},
  };
}
