import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import type { EndpointView, Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import { silentLogger } from '../../core/log/logger.ts';
import type { PoolView } from '../allocator/poolView.ts';
import type { ListenAddress } from '../runtime/listenAddress.ts';
import type { StatusView } from '../status/statusView.ts';
import { createAdminServer } from './adminServer.ts';
import type { AdminViews } from './adminViews.ts';
import { isLocalHost } from './hostCheck.ts';
import { NO_BGP_REPORT } from '../announcer/bgp/bgpReport.ts';
import { AnnouncerJournal } from '../status/announcementsView.ts';

const STATUS: StatusView = {
  version: '1.2.3',
  ready: true,
  generation: 7,
  appliedGeneration: 6,
  waitingFor: ['Ingress'],
  leader: { name: null, self: false },
  listeners: [{ protocol: 'http', address: '::', port: 8080 }],
  nodes: [{ name: 'one', addresses: ['192.0.2.1'], self: true }],
  services: [
    {
      namespace: 'a', name: 'lb', addresses: [], pool: null, forwarding: 'none', reason: 'no address', owner: null, interfaces: [], peers: [],
      ports: [{ port: 80, protocol: 'TCP', name: '', endpoints: null }],
    },
  ],
  ingresses: [{ namespace: 'a', name: 'web', class: '', addresses: ['192.0.2.1'], hosts: ['shop.test'], tlsHosts: [] }],
  problems: [
    {
      severity: 'error',
      object: { kind: 'Ingress', namespace: 'a', name: 'web' },
      position: { file: 'web.yaml', line: 3 },
      field: 'spec',
      rule: 'must be',
      value: '"x"',
      effect: 'left out',
    },
    { severity: 'warning', object: null, position: null, field: '', rule: 'r', value: '', effect: 'e' },
  ],
};

const EXPLANATION: Explanation = {
  steps: [{ step: 'host', text: 'shop.test equals shop.test' }],
  ingress: { kind: 'Ingress', namespace: 'a', name: 'web' },
  field: 'spec.rules[0].http.paths[0]',
  cluster: 'a/web:80',
  endpoint: null,
  status: 503,
};

const ENDPOINT: EndpointView = {
  cluster: 'a/web:80',
  endpoint: '192.0.2.9:80',
  state: 'ready',
  weight: 1,
  activeRequests: 2,
  idleConnections: 3,
  ejectedBy: 0,
};

const POOL: PoolView = {
  namespace: 'gatehouse',
  name: 'lan',
  addresses: ['192.0.2.0/30'],
  autoAssign: true,
  avoidBuggyIPs: false,
  drain: false,
  isDefault: false,
  serviceAllocation: null,
  reserved: 0,
  ipv4: { total: 4, assigned: 1, available: 3 },
  ipv6: { total: 0, assigned: 0, available: 0 },
  services: 1,
};

function views(changes: Partial<AdminViews> = {}): AdminViews {
  return {
    ready: () => true,
    status: () => STATUS,
    snapshot: () => ({ virtualHosts: { 'shop.test': {} } }),
    explain: () => Promise.resolve(EXPLANATION),
    pools: () => [POOL],
    bgp: () => NO_BGP_REPORT,
    announcements: () => new AnnouncerJournal().view(null),
    endpoints: () => Promise.resolve([ENDPOINT]),
    metrics: () => Promise.resolve('# HELP x y\nx 1\n'),
    ...changes,
  };
}

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

async function get(address: ListenAddress, path: string, options: { readonly host?: string; readonly method?: string } = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = options.host === undefined ? {} : { host: options.host };
  const sent = request({ host: address.address, port: address.port, path, method: options.method ?? 'GET', headers, agent: false }, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }), reject);
  });
  sent.on('error', reject);
  sent.end();
  return promise;
}

async function withServer(given: AdminViews, use: (address: ListenAddress) => Promise<void>): Promise<void> {
  const server = createAdminServer({ listen: { address: '127.0.0.1', port: 0 }, views: given, logger: silentLogger });
  try {
    await use(await server.start());
  } finally {
    await server.stop();
  }
}

test('status, explanation, endpoints and snapshot are answered as JSON, whole', async () => {
  await withServer(views(), async (address) => {
    const cases: readonly (readonly [string, unknown])[] = [
      ['/api/v1/status', STATUS],
      ['/api/v1/explain?url=http://shop.test/', EXPLANATION],
      ['/api/v1/endpoints', { endpoints: [ENDPOINT] }],
      ['/api/v1/snapshot', { virtualHosts: { 'shop.test': {} } }],
    ];
    for (const [path, expected] of cases) {
      const answer = await get(address, path);
      assert.equal(answer.status, 200, path);
      assert.match(String(answer.headers['content-type']), /^application\/json/);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.deepEqual(JSON.parse(answer.body), expected);
    }
  });
});

test('health is 200 while it answers, readiness follows the runtime', async () => {
  let ready = false;
  await withServer(views({ ready: () => ready }), async (address) => {
    assert.equal((await get(address, '/healthz')).status, 200);
    assert.equal((await get(address, '/readyz')).status, 503);
    ready = true;
    assert.equal((await get(address, '/readyz')).status, 200);
  });
});

test('metrics are answered in the Prometheus text format', async () => {
  await withServer(views(), async (address) => {
    const answer = await get(address, '/metrics');
    assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(answer.body, '# HELP x y\nx 1\n');
  });
});

test('explain passes on the request that the query describes', async () => {
  const asked: ExplainRequest[] = [];
  const explain = (request: ExplainRequest): Promise<Explanation> => {
    asked.push(request);
    return Promise.resolve(EXPLANATION);
  };
  await withServer(views({ explain }), async (address) => {
    await get(address, `/api/v1/explain?url=${encodeURIComponent('https://shop.test/a?b=c')}&method=PUT&header=a:%20b&header=c:d`);
  });
  assert.deepEqual(asked, [
    { scheme: 'https', authority: 'shop.test', target: '/a?b=c', method: 'PUT', headers: [['a', 'b'], ['c', 'd']], clientAddress: '127.0.0.1' },
  ]);
});

test('a bad query is answered 400 with the parameter at fault', async () => {
  await withServer(views(), async (address) => {
    const answer = await get(address, '/api/v1/explain?url=nonsense');
    assert.equal(answer.status, 400);
    assert.deepEqual(JSON.parse(answer.body), {
      error: 'url: must be an absolute URL such as http://shop.test/cart?id=1',
      parameter: 'url',
    });
  });
});

test('a view that has nothing yet is answered 503 with the reason', async () => {
  const none = views({ snapshot: () => null, explain: () => Promise.resolve(null), endpoints: () => Promise.resolve(null) });
  await withServer(none, async (address) => {
    for (const path of ['/api/v1/snapshot', '/api/v1/explain?url=http://a/', '/api/v1/endpoints']) {
      const answer = await get(address, path);
      assert.equal(answer.status, 503, path);
      assert.match(answer.body, /"error":/);
    }
  });
});

test('a view that fails is answered 500 without telling why, and the server goes on', async () => {
  const failing = views({ status: () => { throw new Error('a secret detail'); } });
  await withServer(failing, async (address) => {
    const answer = await get(address, '/api/v1/status');
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.body, /secret/);
    assert.equal((await get(address, '/healthz')).status, 200);
  });
});

test('an unknown path, and a method that is not served, is answered 404 with the paths there are', async () => {
  await withServer(views(), async (address) => {
    for (const [path, method] of [['/api/v1/nothing', 'GET'], ['/api/v1/status', 'DELETE']] as const) {
      const answer = await get(address, path, { method });
      assert.equal(answer.status, 404);
      const { paths } = JSON.parse(answer.body) as { readonly paths: readonly string[] };
      for (const known of ['/', '/healthz', '/metrics', '/api/v1/status', '/api/v1/explain']) assert.ok(paths.includes(known), known);
    }
  });
});

test('the page and its files are served under a strict policy and without inline code', async () => {
  await withServer(views(), async (address) => {
    const page = await get(address, '/');
    assert.equal(page.status, 200);
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.doesNotMatch(page.body, /<style|onclick|<script>|https?:/);
    const files = [...page.body.matchAll(/(?:src|href)="(\/page\.[a-z]+)"/g)].map((match) => match[1] ?? '');
    assert.deepEqual(files, ['/page.css', '/page.js']);
    for (const file of files) assert.equal((await get(address, file)).status, 200, file);
  });
});

test('on loopback a Host that is no address and not localhost is refused: DNS rebinding', async () => {
  await withServer(views(), async (address) => {
    for (const host of ['localhost', `localhost:${address.port}`, '127.0.0.1', '[::1]:9090', '192.0.2.1:80']) {
      assert.equal((await get(address, '/api/v1/status', { host })).status, 200, host);
    }
    for (const host of ['evil.test', 'localhost.evil.test', '127.0.0.1.evil.test', '[evil]', 'evil.test:9090']) {
      assert.equal((await get(address, '/api/v1/status', { host })).status, 421, host);
    }
  });
  assert.equal(isLocalHost(''), false);
  assert.equal(isLocalHost(undefined), false);
});

test('a port that is taken is told when starting', async () => {
  await withServer(views(), async (listen) => {
    const second = createAdminServer({ listen, views: views(), logger: silentLogger });
    await assert.rejects(second.start(), { code: 'EADDRINUSE' });
    await second.stop();
  });
});

test('stopping twice, or before starting, does no harm', async () => {
  const server = createAdminServer({ listen: { address: '127.0.0.1', port: 0 }, views: views(), logger: silentLogger });
  await server.stop();
  await server.stop();
});
