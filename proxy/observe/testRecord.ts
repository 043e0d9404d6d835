import { emptyDraft, type ExchangeDraft, type ExchangeRecord, type UpstreamTry } from './exchangeRecord.ts';
import { LogBuffer } from './logBuffer.ts';
import type { RouteSubject } from './routeSubject.ts';
import type { PrintLine } from './textLine.ts';

/** For tests: the subject of a rule of Ingress shop/web, with what differs. */
export function testSubject(over: Partial<RouteSubject> = {}): RouteSubject {
  return {
    namespace: 'shop',
    ingress: 'web',
    service: 'web',
    servicePort: '80',
    host: 'shop.test',
    path: '/',
    upstreamName: 'shop-web-80',
    canary: '',
    ...over,
  };
}

/** For tests: a try that went well on a kept connection, with what differs. */
export function testTry(over: Partial<UpstreamTry> = {}): UpstreamTry {
  const endpoint = { host: '10.0.0.1', port: 8080, weight: 1, state: 'ready' } as const;
  return { endpoint, responseLength: 5, responseTimeMs: 4, status: 200, connectMs: 0, error: null, ...over };
}

/** For tests: the record of a plain GET that a backend answered, with what differs. */
export function testRecord(over: Partial<ExchangeDraft> = {}): ExchangeDraft {
  return {
    ...emptyDraft('192.0.2.1', 'http'),
    timeMs: Date.UTC(2026, 10, 21, 0, 9, 48, 7),
    method: 'GET',
    target: '/a',
    protocol: 'HTTP/1.1',
    host: 'shop.test',
    userAgent: 'curl/7.88.1',
    requestId: '4a8a8f1c934fc687c4af9a48b81fb872',
    status: 200,
    requestLength: 80,
    bodyBytesSent: 5,
    bytesSent: 160,
    requestTimeMs: 4,
    subject: testSubject(),
    answeredBy: 'upstream',
    tries: [testTry()],
    ...over,
  };
}

/** For tests: what a log line prints. */
export function printed(print: PrintLine, record: ExchangeRecord): string {
  const buffer = new LogBuffer();
  print(record, buffer);
  return Buffer.from(buffer.take()).toString('ascii');
}
