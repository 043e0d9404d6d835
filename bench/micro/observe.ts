/** ns per finished exchange: metrics alone, with the text log, with the JSON log. Goal: below 1.5 µs with the text log. */
import { AccessLog } from '../../proxy/observe/accessLog.ts';
import { emptyDraft, type ExchangeRecord } from '../../proxy/observe/exchangeRecord.ts';
import { createLogBudget } from '../../proxy/observe/logBudget.ts';
import { WorkerMetrics } from '../../proxy/observe/workerMetrics.ts';
import { systemClock } from '../../core/time/clock.ts';
import type { RouteSubject } from '../../proxy/observe/routeSubject.ts';

const ROUNDS = 7;
const RECORDS = 200_000;
const ROUTES = 100;
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

const subjects: RouteSubject[] = Array.from({ length: ROUTES }, (_, index) => ({
  namespace: 'shop',
  ingress: `web-${index}`,
  service: `web-${index}`,
  servicePort: '80',
  host: `web-${index}.shop.test`,
  path: '/catalogue',
  upstreamName: `shop-web-${index}-80`,
  canary: index % 5 === 0 ? `shop-web-${index}-canary-80` : '',
}));
const endpoint = { host: '10.244.3.17', port: 8080, weight: 1, state: 'ready' } as const;

/** A record made from scratch, as the proxy does for every exchange. */
function makeRecord(index: number): ExchangeRecord {
  const draft = emptyDraft('203.0.113.7', 'https');
  draft.timeMs = 1_795_219_428_083 + index / 50;
  draft.method = index % 4 === 0 ? 'POST' : 'GET';
  draft.target = '/catalogue/items?page=2&sort=price';
  draft.protocol = 'HTTP/1.1';
  draft.tlsProtocol = 'TLSv1.3';
  draft.host = 'www.shop.test';
  draft.referer = 'https://www.shop.test/catalogue';
  draft.userAgent = USER_AGENT;
  draft.requestId = '4a8a8f1c934fc687c4af9a48b81fb872';
  draft.status = index % 10 === 0 ? 404 : 200;
  draft.requestLength = 512;
  draft.bodyBytesSent = 8192;
  draft.bytesSent = 8500;
  draft.requestTimeMs = index % 40;
  draft.subject = subjects[index % ROUTES] ?? draft.subject;
  draft.answeredBy = 'upstream';
  draft.tries.push({ endpoint, responseLength: 8192, responseTimeMs: index % 40, status: 200, connectMs: 0, error: null });
  return draft;
}

/** Best round in ns per record: the one that was disturbed least. */
function measure(take: (record: ExchangeRecord) => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startMs = performance.now();
    for (let index = 0; index < RECORDS; index += 1) take(makeRecord(index));
    best = Math.min(best, ((performance.now() - startMs) * 1e6) / RECORDS);
  }
  return best;
}

function openLog(format: 'text' | 'json'): AccessLog {
  const budget = createLogBudget(2 ** 24);
  return new AccessLog({ format }, { budget, send: (batch) => budget.give(batch.bytes.length), onDropped: () => undefined });
}

const metrics = new WorkerMetrics({ worker: '1' }, { clock: systemClock });
const text = openLog('text');
const json = openLog('json');
const rows: readonly (readonly [string, (record: ExchangeRecord) => void])[] = [
  ['record made', () => undefined],
  ['+ metrics', (record) => metrics.exchangeFinished(record)],
  [
    '+ metrics + text log',
    (record) => {
      metrics.exchangeFinished(record);
      text.add(record);
    },
  ],
  [
    '+ metrics + JSON log',
    (record) => {
      metrics.exchangeFinished(record);
      json.add(record);
    },
  ],
];
for (const [name, take] of rows) console.log(`${name.padEnd(24)} ${measure(take).toFixed(0).padStart(6)} ns`);
const startMs = performance.now();
const delta = metrics.take();
console.log(`${'take()'.padEnd(24)} ${((performance.now() - startMs) * 1000).toFixed(0).padStart(6)} µs for ${delta.counters.length} counters`);
