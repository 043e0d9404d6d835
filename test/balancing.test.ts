import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Backend, EchoedRequest } from './support/backend.ts';
import { draw, tally } from './support/draw.ts';
import type { Gatehouse } from './support/gatehouse.ts';
import { ingress, nginx, service, type BackendAddress, type Manifest } from './support/manifests.ts';
import { send, type Received } from './support/send.ts';
import { backendFor, serve } from './support/serve.ts';

const HOST = 'gw.test';
const KEYS = 60;

function web(backends: readonly BackendAddress[], annotations: Record<string, string> = {}): Manifest[] {
  return [ingress('web', HOST, [{ path: '/', service: 'web' }], { annotations: nginx(annotations) }), ...service('web', backends)];
}

function backendsFor(t: TestContext, ...names: readonly string[]): Promise<Backend[]> {
  return Promise.all(names.map((name) => backendFor(t, name)));
}

function answererOf({ status, body }: Received): string {
  assert.equal(status, 200, body);
  return (JSON.parse(body) as EchoedRequest).backend;
}

suite('round robin', () => {
  test('takes the ready endpoints in turn, and a change of endpoints holds from the next request on', async (t: TestContext) => {
    const [a, b, c] = (await backendsFor(t, 'a', 'b', 'c')) as [Backend, Backend, Backend];
    const gatehouse = await serve(t, web([a, b, c]), { workers: 1 });
    const of = (count: number): Promise<string[]> => draw({ port: gatehouse.http, host: HOST, count });
    assert.deepEqual(tally(await of(30)), new Map([...tally(['a', 'b', 'c'])].map(([name]) => [name, 10])));
    await gatehouse.write('manifests.yaml', web([a, { ...c, conditions: { ready: false } }, { ...b, conditions: { ready: false, serving: true, terminating: true } }]));
    assert.deepEqual([...new Set(await of(20))], ['a']);
    await gatehouse.write('manifests.yaml', web([b, c]));
    assert.deepEqual([...new Set(await of(20))].toSorted(), ['b', 'c']);
    await gatehouse.write('manifests.yaml', web([{ ...a, conditions: { ready: false } }]));
    assert.equal((await send({ port: gatehouse.http, host: HOST })).status, 503);
  });

  test('a request under way at an endpoint that terminates, or leaves, gets its answer from it', async (t: TestContext) => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<ServerResponse>();
    const old = await backendFor(t, 'old', (_, response) => ask(response));
    const [young] = (await backendsFor(t, 'young')) as [Backend];
    const gatehouse = await serve(t, web([old]));
    const answer = send({ port: gatehouse.http, host: HOST });
    const response = await asked;
    await gatehouse.write('manifests.yaml', web([{ ...old, conditions: { ready: false, serving: true, terminating: true } }, young]));
    assert.equal(answererOf(await send({ port: gatehouse.http, host: HOST })), 'young');
    await gatehouse.write('manifests.yaml', web([young]));
    response.write('still ');
    await wait(50);
    response.end('here');
    assert.equal((await answer).body, 'still here');
  });
});

suite('least_conn', () => {
  test('leaves the endpoint with the requests under way alone', async (t: TestContext) => {
    const held: ServerResponse[] = [];
    const names: string[] = [];
    const backends = await Promise.all(
      ['a', 'b'].map((name) =>
        backendFor(t, name, (request, response) => {
          names.push(name);
          if (request.url === '/hold') held.push(response);
          else response.end(JSON.stringify({ backend: name }));
        }),
      ),
    );
    const gatehouse = await serve(t, web(backends, { 'load-balance': 'least_conn' }), { workers: 1 });
    const waiting = send({ port: gatehouse.http, host: HOST, path: '/hold' });
    while (held.length === 0) await wait(5);
    const [busy] = names;
    const answers = await draw({ port: gatehouse.http, host: HOST, count: 20 });
    assert.deepEqual([...new Set(answers)], [busy === 'a' ? 'b' : 'a']);
    held[0]?.end('free');
    assert.equal((await waiting).body, 'free');
    assert.equal(new Set(await draw({ port: gatehouse.http, host: HOST, count: 20 })).size, 2);
  });
});

/** What is hashed, and how a request says its key. */
const HASHES: readonly (readonly [by: string, says: (key: number) => { path?: string; fields?: string[]; from?: string }])[] = [
  ['$http_x_user', (key) => ({ fields: [`X-User: user${key}`] })],
  ['$cookie_user', (key) => ({ fields: [`Cookie: a=b; user=${key}`] })],
  ['$request_uri', (key) => ({ path: `/item/${key}?page=1` })],
  ['$remote_addr', (key) => ({ from: `127.99.0.${key + 1}` })],
];

suite('upstream-hash-by', () => {
  for (const [by, says] of HASHES) {
    test(`${by}: a key stays with its endpoint in every worker, and most stay when an endpoint leaves`, async (t: TestContext) => {
      const backends = await backendsFor(t, 'a', 'b', 'c');
      const gatehouse = await serve(t, web(backends, { 'upstream-hash-by': by }));
      const homes = (): Promise<string[]> => Promise.all(Array.from({ length: KEYS }, (_, key) => homeOf(gatehouse, says(key))));
      const before = await homes();
      assert.deepEqual(await homes(), before);
      for (const [name, count] of tally(before)) assert.ok(count >= 5, `${name} has ${count} of ${KEYS} keys`);
      assert.equal(new Set(before).size, 3);
      await gatehouse.write('manifests.yaml', web(backends.filter(({ name }) => name !== 'c'), { 'upstream-hash-by': by }));
      const after = await homes();
      const moved = before.filter((name, key) => name !== 'c' && after[key] !== name).length;
      assert.ok(moved <= KEYS / 5, `${moved} keys moved between endpoints that stayed`);
      assert.ok(!after.includes('c'));
    });
  }
});

/** The endpoint of three connections with one key. */
async function homeOf({ http }: Gatehouse, key: { path?: string; fields?: string[]; from?: string }): Promise<string> {
  const names = await Promise.all([1, 2, 3].map(() => draw({ port: http, host: HOST, count: 2, ...key })));
  const [home = '', ...others] = new Set(names.flat());
  assert.deepEqual(others, []);
  return home;
}

/** The Set-Cookie text of an answer; null when it sets none. */
function setCookieOf({ headers }: Received): string | null {
  return headers['set-cookie']?.[0] ?? null;
}

suite('cookie affinity', () => {
  for (const mode of ['balanced', 'persistent']) {
    test(`${mode}: clients stay in every worker, new ones spread, and one whose endpoint leaves gets another`, async (t: TestContext) => {
      const [a, b, c] = (await backendsFor(t, 'a', 'b', 'c')) as [Backend, Backend, Backend];
      const annotations = { affinity: 'cookie', 'affinity-mode': mode, 'session-cookie-name': 'stay' };
      const gatehouse = await serve(t, web([a, b], annotations));
      const sessions = await Promise.all(Array.from({ length: 30 }, () => beginSession(gatehouse)));
      assert.equal(new Set(sessions.map(({ home }) => home)).size, 2);
      for (const { home, cookie } of sessions) {
        const again = await send({ port: gatehouse.http, host: HOST, headers: { cookie } });
        assert.equal(answererOf(again), home);
        assert.equal(setCookieOf(again), null);
      }
      await gatehouse.write('manifests.yaml', web([a, b, c], annotations));
      const grown = await Promise.all(sessions.map(({ cookie }) => send({ port: gatehouse.http, host: HOST, headers: { cookie } })));
      const moved = grown.filter((answer, index) => answererOf(answer) !== sessions[index]?.home).length;
      if (mode === 'persistent') assert.equal(moved, 0);
      else assert.ok(moved < 25, `${moved} of 30 sessions moved`);
      await gatehouse.write('manifests.yaml', web([b, c], annotations));
      for (const { home, cookie } of sessions) {
        const answer = await send({ port: gatehouse.http, host: HOST, headers: { cookie } });
        assert.notEqual(answererOf(answer), 'a');
        if (mode === 'persistent') assert.equal(setCookieOf(answer) === null, home === 'b');
        if (mode === 'persistent' && home === 'b') assert.equal(answererOf(answer), 'b');
      }
    });
  }

  test('every session-cookie annotation shows in the cookie', async (t: TestContext) => {
    const [a] = (await backendsFor(t, 'a')) as [Backend];
    const host = (name: string, annotations: Record<string, string>): Manifest =>
      ingress(name, `${name}.test`, [{ path: '/shop', service: 'web' }], { annotations: nginx({ affinity: 'cookie', ...annotations }) });
    const all = {
      'session-cookie-name': 'pin',
      'session-cookie-path': '/elsewhere',
      'session-cookie-domain': 'shop.test',
      'session-cookie-expires': '3600',
      'session-cookie-max-age': '7200',
      'session-cookie-secure': 'true',
      'session-cookie-samesite': 'Strict',
    };
    const conditional = { 'session-cookie-samesite': 'None', 'session-cookie-conditional-samesite-none': 'true' };
    const { http, https } = await serve(t, [host('plain', {}), host('all', all), host('conditional', conditional), ...service('web', [a])]);
    const cookieOf = async (name: string, more: { userAgent?: string; tls?: boolean } = {}): Promise<string[]> => {
      const headers = more.userAgent === undefined ? {} : { 'user-agent': more.userAgent };
      const to = more.tls === true ? { port: https, tls: { rejectUnauthorized: false } } : { port: http };
      return (setCookieOf(await send({ ...to, host: `${name}.test`, path: '/shop/cart', headers })) ?? '').split('; ');
    };
    const [nameAndValue = '', ...attributes] = await cookieOf('plain');
    assert.match(nameAndValue, /^INGRESSCOOKIE=[0-9a-f]+\|[0-9a-f]+$/);
    assert.deepEqual(attributes, ['Path=/shop', 'HttpOnly']);
    assert.ok((await cookieOf('plain', { tls: true })).includes('Secure'));

    const [pin = '', ...rest] = await cookieOf('all');
    assert.match(pin, /^pin=/);
    const expires = rest.find((attribute) => attribute.startsWith('Expires=')) ?? '';
    const inSeconds = (Date.parse(expires.slice('Expires='.length)) - Date.now()) / 1000;
    assert.ok(Math.abs(inSeconds - 3600) < 60, expires);
    assert.deepEqual(
      rest.filter((attribute) => attribute !== expires).toSorted(),
      ['Domain=shop.test', 'HttpOnly', 'Max-Age=7200', 'Path=/elsewhere', 'SameSite=Strict', 'Secure'],
    );
    const modern = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
    const ancient = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.0.0 Safari/537.36';
    assert.ok((await cookieOf('conditional', { userAgent: modern })).includes('SameSite=None'));
    assert.ok(!(await cookieOf('conditional', { userAgent: ancient })).includes('SameSite=None'));
  });
});

async function beginSession({ http }: Gatehouse): Promise<{ readonly home: string; readonly cookie: string }> {
  const answer = await send({ port: http, host: HOST });
  const cookie = setCookieOf(answer)?.split(';', 1)[0];
  assert.match(cookie ?? '', /^stay=/);
  return { home: answererOf(answer), cookie: cookie ?? '' };
}

interface EndpointsAnswer {
  readonly endpoints: readonly { readonly endpoint: string; readonly ejectedBy: number }[];
}

suite('an endpoint that refuses connections', () => {
  test('costs no request, is left out after some failures in a row, and comes back', async (t: TestContext) => {
    const [good] = (await backendsFor(t, 'good')) as [Backend];
    const gone = await backendFor(t, 'gone');
    await gone.close();
    const gatehouse = await serve(t, web([good, gone]), { workers: 1 });
    assert.deepEqual([...new Set(await draw({ port: gatehouse.http, host: HOST, count: 50 }))], ['good']);
    const { endpoints } = (await gatehouse.api('/api/v1/endpoints')) as EndpointsAnswer;
    const ejected = endpoints.filter(({ ejectedBy }) => ejectedBy > 0);
    assert.deepEqual(ejected.map(({ endpoint }) => endpoint), [`127.0.0.1:${gone.port}`]);

    const back = createServer((_, response) => response.end(JSON.stringify({ backend: 'gone' })));
    back.listen(gone.port, '127.0.0.1');
    await once(back, 'listening');
    t.after(() => {
      back.close();
      back.closeAllConnections();
    });
    const names = new Set<string>();
    for (let turn = 0; turn < 150 && !names.has('gone'); turn += 1) {
      for (const name of await draw({ port: gatehouse.http, host: HOST, count: 5 })) names.add(name);
      await wait(100);
    }
    assert.ok(names.has('gone'), 'the endpoint did not come back');
  });
});
