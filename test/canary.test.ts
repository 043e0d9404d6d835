import assert from 'node:assert/strict';
import type { V1IngressSpec } from '@kubernetes/client-node';
import { after, before, suite, test } from 'node:test';
import { startBackend, type Backend, type EchoedRequest } from './support/backend.ts';
import { assertShare, draw, tally } from './support/draw.ts';
import { startGatehouse, type Gatehouse } from './support/gatehouse.ts';
import { ingress, nginx, service, type Manifest } from './support/manifests.ts';
import { send, type Received } from './support/send.ts';

type Headers = Readonly<Record<string, string>>;
type Annotations = Readonly<Record<string, string>>;

/** One host of its own: a main Ingress, canaries, and who must answer which request. */
interface Row {
  readonly says: string;
  /** Oldest first; the first leads to the Service `canary`, the second to `second`. */
  readonly canaries: readonly Annotations[];
  readonly main?: Annotations;
  readonly mainService?: string;
  readonly canaryService?: string;
  readonly ask?: readonly (readonly [headers: Headers, answeredBy: 'main' | 'canary' | 'second' | 502 | 503])[];
  /** Share of each Service in many requests without fields. */
  readonly shares?: Readonly<Record<string, number>>;
}

const HEADER = { 'canary-by-header': 'X-Canary' };
const COOKIE = { 'canary-by-cookie': 'choice' };
const ALWAYS = { 'x-canary': 'always' };
const NEVER = { 'x-canary': 'never' };
const cookie = (value: string): Headers => ({ cookie: `other=1; choice=${value}` });
const weight = (value: number, total?: number): Annotations => ({
  'canary-weight': String(value),
  ...(total === undefined ? {} : { 'canary-weight-total': String(total) }),
});

const ROWS: readonly Row[] = [
  {
    says: 'the header says always, never, or nothing',
    canaries: [HEADER],
    ask: [[ALWAYS, 'canary'], [NEVER, 'main'], [{ 'x-canary': 'perhaps' }, 'main'], [{ 'x-canary': 'Always' }, 'main'], [{}, 'main']],
  },
  {
    says: 'the header goes before the cookie, the cookie before the weight',
    canaries: [{ ...HEADER, ...COOKIE, ...weight(100) }],
    ask: [
      [{ ...NEVER, ...cookie('always') }, 'main'],
      [NEVER, 'main'],
      [{ 'x-canary': 'perhaps', ...cookie('never') }, 'main'],
      [cookie('never'), 'main'],
      [cookie('perhaps'), 'canary'],
      [{}, 'canary'],
    ],
  },
  {
    says: 'a header that says always beats a cookie that says never',
    canaries: [{ ...HEADER, ...COOKIE }],
    ask: [[{ ...ALWAYS, ...cookie('never') }, 'canary'], [cookie('always'), 'canary'], [cookie('Always'), 'main']],
  },
  {
    says: 'a header value of its own chooses exactly, and always and never are values like any other',
    canaries: [{ ...HEADER, 'canary-by-header-value': 'beta' }],
    ask: [[{ 'x-canary': 'beta' }, 'canary'], [{ 'x-canary': 'Beta' }, 'main'], [{ 'x-canary': 'beta2' }, 'main'], [ALWAYS, 'main'], [NEVER, 'main']],
  },
  {
    says: 'another value than the one chosen goes on to cookie and weight',
    canaries: [{ ...HEADER, 'canary-by-header-value': 'beta', ...COOKIE, ...weight(100) }],
    ask: [[{ 'x-canary': 'never' }, 'canary'], [{ 'x-canary': 'other', ...cookie('never') }, 'main']],
  },
  { says: 'a header value without a header has no effect', canaries: [{ 'canary-by-header-value': 'beta' }], ask: [[{ 'x-canary': 'beta' }, 'main']] },
  {
    says: 'a pattern is searched anywhere in the value, letter case counts',
    canaries: [{ ...HEADER, 'canary-by-header-pattern': 'v[2-3]' }],
    ask: [[{ 'x-canary': 'app v2 beta' }, 'canary'], [{ 'x-canary': 'app v4' }, 'main'], [{ 'x-canary': 'V2' }, 'main'], [ALWAYS, 'main']],
  },
  {
    says: 'a value that the pattern does not match goes on to the weight',
    canaries: [{ ...HEADER, 'canary-by-header-pattern': '^v2$', ...weight(100) }],
    ask: [[{ 'x-canary': 'v3' }, 'canary'], [NEVER, 'canary']],
  },
  {
    says: 'a pattern beside a value is ignored',
    canaries: [{ ...HEADER, 'canary-by-header-value': 'beta', 'canary-by-header-pattern': 'gamma' }],
    ask: [[{ 'x-canary': 'gamma' }, 'main'], [{ 'x-canary': 'beta' }, 'canary']],
  },
  {
    says: 'a pattern that does not compile keeps requests with the header at the main, whatever cookie and weight say',
    canaries: [{ ...HEADER, 'canary-by-header-pattern': '[a-', ...COOKIE, ...weight(100) }],
    ask: [[{ 'x-canary': 'a', ...cookie('always') }, 'main'], [cookie('always'), 'canary'], [{}, 'canary']],
  },
  { says: 'weight 0 takes none', canaries: [weight(0)], shares: { main: 1 } },
  { says: 'a negative weight takes none', canaries: [weight(-5)], shares: { main: 1 } },
  { says: 'weight 100 takes all', canaries: [weight(100)], shares: { canary: 1 } },
  { says: 'a weight above 100 without a total takes all', canaries: [weight(150)], shares: { canary: 1 } },
  { says: 'weight 20 takes one in five', canaries: [weight(20)], shares: { main: 0.8, canary: 0.2 } },
  { says: 'weight 1 takes one in a hundred', canaries: [weight(1)], shares: { main: 0.99, canary: 0.01 } },
  { says: 'weight 250 of 1000 takes one in four', canaries: [weight(250, 1000)], shares: { main: 0.75, canary: 0.25 } },
  { says: 'a total below 100 counts as 100', canaries: [weight(30, 40)], shares: { main: 0.7, canary: 0.3 } },
  { says: 'several canaries share one draw', canaries: [weight(20), weight(5)], shares: { main: 0.75, canary: 0.2, second: 0.05 } },
  {
    says: 'of several canaries the oldest is asked first, and each has its own rules',
    canaries: [HEADER, { 'canary-by-header': 'X-Second' }],
    ask: [[ALWAYS, 'canary'], [{ 'x-second': 'always' }, 'second'], [{ ...ALWAYS, 'x-second': 'always' }, 'canary'], [{}, 'main']],
  },
  { says: 'a canary without endpoints takes nothing', canaries: [{ ...HEADER, ...weight(100) }], canaryService: 'empty', ask: [[ALWAYS, 'main'], [{}, 'main']] },
  { says: 'a canary whose Service is missing takes nothing', canaries: [{ ...HEADER, ...weight(100) }], canaryService: 'missing', ask: [[ALWAYS, 'main'], [{}, 'main']] },
  { says: 'a main without endpoints answers 503 even to requests for the canary', canaries: [{ ...HEADER, ...weight(100) }], mainService: 'empty', ask: [[ALWAYS, 503], [{}, 503]] },
  { says: 'a canary that refuses connections is not replaced by the main', canaries: [HEADER], canaryService: 'refusing', ask: [[ALWAYS, 502], [{}, 'main']] },
  { says: 'one Service as main and canary is the main', canaries: [{ ...HEADER, ...weight(50) }], canaryService: 'main', ask: [[ALWAYS, 'main'], [{}, 'main']] },
];

const DRAWS = 2000;

suite('canaries', () => {
  const backends: Backend[] = [];
  let gatehouse: Gatehouse;

  before(async () => {
    for (const name of ['main', 'canary', 'second']) backends.push(await startBackend(name));
    const gone = await startBackend('refusing');
    await gone.close();
    gatehouse = await startGatehouse({
      manifests: [
        ...backends.flatMap((backend) => service(backend.name, [backend])),
        ...service('empty', []),
        ...service('refusing', [gone]),
        ...ROWS.flatMap(manifestsOf),
        ...others(backends),
      ],
    });
  });
  after(async () => {
    await gatehouse.stop();
    await Promise.all(backends.map((backend) => backend.close()));
  });

  const ask = (host: string, headers: Headers = {}, path = '/'): Promise<Received> => send({ port: gatehouse.http, host, path, headers });

  for (const [index, row] of ROWS.entries()) {
    test(row.says, async () => {
      for (const [headers, answeredBy] of row.ask ?? []) {
        assert.equal(answererOf(await ask(hostOf(index), headers)), answeredBy, JSON.stringify(headers));
      }
      if (row.shares === undefined) return;
      const counts = tally(await draw({ port: gatehouse.http, host: hostOf(index), count: DRAWS }));
      for (const name of ['main', 'canary', 'second']) assertShare(counts.get(name) ?? 0, DRAWS, row.shares[name] ?? 0);
    });
  }

  test('a canary on a path or a path type that no main has takes nothing', async () => {
    assert.equal(answererOf(await ask('unmatched.test', ALWAYS, '/foo')), 'main');
    assert.equal((await ask('unmatched.test', ALWAYS, '/nowhere')).status, 404);
    assert.equal((await ask('canary-only.test', ALWAYS)).status, 404);
  });

  test('a canary takes a main of another namespace', async () => {
    assert.equal(answererOf(await ask('namespaces.test', ALWAYS)), 'canary');
    assert.equal(answererOf(await ask('namespaces.test')), 'main');
  });

  test('the default backend of a canary is the alternative of the catch-all route', async () => {
    await gatehouse.write('catchAll.yaml', [
      ingress('catch-all', '', [], { spec: defaultBackend('main') }),
      ingress('catch-all-canary', '', [], { annotations: nginx({ canary: 'true', ...HEADER }), spec: defaultBackend('canary') }),
    ]);
    assert.equal(answererOf(await ask('nobody.test', ALWAYS)), 'canary');
    assert.equal(answererOf(await ask('nobody.test')), 'main');
    await gatehouse.remove('catchAll.yaml');
  });

  test('annotations without canary: "true" make an ordinary Ingress', async () => {
    assert.equal(answererOf(await ask('unmarked.test', {}, '/only')), 'canary');
    assert.equal(answererOf(await ask('unmarked.test', ALWAYS)), 'main');
  });

  test('a canary inherits what the main says of the route and adds nothing of its own', async () => {
    const { body } = await ask('inherited.test', ALWAYS);
    const echoed = JSON.parse(body) as EchoedRequest;
    assert.equal(echoed.backend, 'canary');
    assert.equal(echoed.headers['host'], 'inner.test');
  });

  test('a canary rule without paths disturbs nobody', async () => {
    assert.equal(answererOf(await ask('pathless.test', ALWAYS)), 'main');
  });

  test('a main that comes later wakes its canary, and a new weight holds from the next request on', async () => {
    const main = ingress('late', 'late.test', [{ path: '/', service: 'main' }]);
    assert.equal((await ask('late.test', ALWAYS)).status, 404);
    await gatehouse.write('late.yaml', [main]);
    assert.equal(answererOf(await ask('late.test', ALWAYS)), 'canary');
    assert.equal(answererOf(await ask('late.test')), 'main');
    const heavier = ingress('heavier', 'late.test', [{ path: '/', service: 'second' }], { annotations: nginx({ canary: 'true', ...weight(100) }) });
    await gatehouse.write('late.yaml', [main, heavier]);
    assert.equal(answererOf(await ask('late.test')), 'second');
    await gatehouse.remove('late.yaml');
    assert.equal((await ask('late.test', ALWAYS)).status, 404);
  });

  for (const mode of ['balanced', 'persistent']) {
    test(`${mode} affinity keeps a client at main or canary, whatever the header says`, async () => {
      const host = `sticky-${mode}.test`;
      const atMain = await ask(host, NEVER);
      const atCanary = await ask(host, ALWAYS);
      assert.equal(answererOf(atMain), 'main');
      assert.equal(answererOf(atCanary), 'canary');
      for (let turn = 0; turn < 5; turn += 1) {
        assert.equal(answererOf(await ask(host, { ...ALWAYS, cookie: sessionOf(atMain) })), 'main');
        assert.equal(answererOf(await ask(host, { ...NEVER, cookie: sessionOf(atCanary) })), 'canary');
      }
      assert.equal((await ask(host, { cookie: sessionOf(atCanary) })).headers['set-cookie'], undefined);
    });
  }

  test('legacy affinity sets no cookie for the canary, and a client of the main stays there', async () => {
    const atCanary = await ask('legacy.test', ALWAYS);
    assert.equal(answererOf(atCanary), 'canary');
    assert.equal(atCanary.headers['set-cookie'], undefined);
    const atMain = await ask('legacy.test', NEVER);
    assert.equal(answererOf(await ask('legacy.test', { ...ALWAYS, cookie: sessionOf(atMain) })), 'main');
  });
});

function hostOf(index: number): string {
  return `row${index}.test`;
}

function answererOf({ status, body }: Received): string | number {
  return status === 200 ? (JSON.parse(body) as EchoedRequest).backend : status;
}

/** The session cookie of an answer, as a client sends it back. */
function sessionOf({ headers }: Received): string {
  const [text = assert.fail('no cookie was set')] = headers['set-cookie'] ?? [];
  return text.split(';', 1)[0] ?? '';
}

function manifestsOf(row: Row, index: number): Manifest[] {
  const host = hostOf(index);
  const services = [row.canaryService ?? 'canary', 'second'];
  return [
    ingress(`main-${index}`, host, [{ path: '/', service: row.mainService ?? 'main' }], { createdAt: '2026-01-01T00:00:00Z', annotations: nginx(row.main ?? {}) }),
    ...row.canaries.map((annotations, place) =>
      ingress(`canary-${index}-${place}`, host, [{ path: '/', service: services[place] ?? 'second' }], {
        createdAt: `2026-01-0${place + 2}T00:00:00Z`,
        annotations: nginx({ canary: 'true', ...annotations }),
      }),
    ),
  ];
}

function defaultBackend(name: string): Partial<V1IngressSpec> {
  return { defaultBackend: { service: { name, port: { number: 80 } } } };
}

/** The Ingresses of the tests below the table. */
function others(backends: readonly Backend[]): Manifest[] {
  const marked = { annotations: nginx({ canary: 'true', ...HEADER }), createdAt: '2026-01-02T00:00:00Z' };
  const toMain = [{ path: '/', service: 'main' }];
  const toCanary = [{ path: '/', service: 'canary' }];
  const affinity = (mode: string): Record<string, string> => nginx({ affinity: 'cookie', 'affinity-mode': mode });
  return [
    ingress('unmatched', 'unmatched.test', [{ path: '/foo', service: 'main' }]),
    ingress('unmatched-canary', 'unmatched.test', [{ path: '/foo', pathType: 'Exact', service: 'canary' }, { path: '/nowhere', service: 'canary' }], marked),
    ingress('late-canary', 'late.test', toCanary, marked),
    ingress('canary-only', 'canary-only.test', toCanary, marked),
    ingress('namespaces', 'namespaces.test', toMain),
    ingress('elsewhere', 'namespaces.test', toCanary, { ...marked, namespace: 'elsewhere' }),
    ...service('canary', backends.filter(({ name }) => name === 'canary'), 'elsewhere'),
    ingress('unmarked', 'unmarked.test', toMain, { createdAt: '2026-01-01T00:00:00Z' }),
    ingress('unmarked-second', 'unmarked.test', [...toCanary, { path: '/only', service: 'canary' }], { annotations: nginx({ ...HEADER, ...weight(100) }), createdAt: '2026-01-02T00:00:00Z' }),
    ingress('inherited', 'inherited.test', toMain, { annotations: nginx({ 'upstream-vhost': 'inner.test' }) }),
    ingress('inherited-canary', 'inherited.test', toCanary, { ...marked, annotations: nginx({ canary: 'true', ...HEADER, 'upstream-vhost': 'other.test' }) }),
    ingress('pathless', 'pathless.test', toMain),
    ingress('pathless-canary', 'pathless.test', [], { ...marked, spec: { rules: [{ host: 'pathless.test' }] } }),
    ...['balanced', 'persistent'].flatMap((mode) => [
      ingress(`sticky-${mode}`, `sticky-${mode}.test`, toMain, { annotations: affinity(mode) }),
      ingress(`sticky-${mode}-canary`, `sticky-${mode}.test`, toCanary, marked),
    ]),
    ingress('legacy', 'legacy.test', toMain, { annotations: affinity('persistent') }),
    ingress('legacy-canary', 'legacy.test', toCanary, { ...marked, annotations: nginx({ canary: 'true', ...HEADER, 'affinity-canary-behavior': 'legacy' }) }),
  ];
}
