import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ExplainRequest } from '../core/ipc/views.ts';
import type { ClusterKey } from '../core/ir/cluster.ts';
import type { Canary, PathMatch } from '../core/ir/virtualHost.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import { startEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const at = (value: string): PathMatch => ({ type: 'prefix', value });
const canary: Canary = {
  cluster: 'default/next:80' as ClusterKey,
  ingress: { kind: 'Ingress', namespace: 'default', name: 'next' },
  header: { name: 'x-next', rule: { type: 'alwaysNever' } },
  cookie: null,
  weight: 0,
  weightTotal: 100,
  affinity: 'sticky',
};

/** One request for each kind of decision. */
const REQUESTS: readonly (Partial<ExplainRequest> & { readonly what: string })[] = [
  { what: 'a host nobody names', authority: 'other.test' },
  { what: 'a path no rule takes', target: '/none' },
  { what: 'a path that climbs', target: '/a/../../b' },
  { what: 'a redirect', target: '/secure/x?y' },
  { what: 'a path exempt from the redirect', target: '/secure/open/x' },
  { what: 'a rule that answers by itself', target: '/respond' },
  { what: 'a cluster without endpoints', target: '/empty' },
  { what: 'a cluster', target: '/web/%61' },
  { what: 'a canary by header', target: '/web', headers: [['X-Next', 'always']] },
  { what: 'a canary refused by header', target: '/web', headers: [['X-Next', 'never']] },
  { what: 'a body too large', target: '/small', method: 'POST', headers: [['Content-Length', '6']] },
  { what: 'a body just small enough', target: '/small', method: 'POST', headers: [['Content-Length', '5']] },
];

for (const { what, ...request } of REQUESTS) {
  test(`explain says of ${what} what then happens`, async (t) => {
    const [web, next] = await Promise.all([
      startRawBackend(answering(() => response('web'))),
      startRawBackend(answering(() => response('next'))),
    ]);
    t.after(() => Promise.all([web.close(), next.close()]));
    const redirect = { type: 'httpsRedirect', status: 308, exemptPrefixes: ['/secure/open'] } as const;
    const primary = 'default/web:80' as ClusterKey;
    const gateway = await startEngine(t, {
      clusters: { web: [web.port], next: [next.port], empty: [] },
      routes: [
        { match: at('/secure'), filters: [redirect] },
        { match: at('/respond'), action: { type: 'respond', status: 503, reason: 'a Service that does not exist' } },
        { match: at('/empty'), cluster: 'empty' },
        { match: at('/small'), policy: { maxBodyBytes: 5 } },
        { match: at('/web'), action: { type: 'forward', primary, canaries: [canary] } },
      ],
    });
    const asked: ExplainRequest = {
      method: 'GET',
      scheme: 'http',
      authority: 'gw.test',
      target: '/',
      headers: [],
      clientAddress: '127.0.0.1',
      ...request,
    };
    const explanation = gateway.engine.explain(asked);
    assert.deepEqual(gateway.engine.explain(asked), explanation, 'explaining changes nothing');
    const lines = asked.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const client = await gateway.connect();
    client.send(`${asked.method} ${asked.target} HTTP/1.1\r\nHost: ${asked.authority}\r\n${lines}\r\n`);
    if (explanation.status === null && asked.method === 'POST') client.send('12345');
    const answer = await client.message();
    const status = Number(answer.startLine.split(' ')[1]);
    const [line] = await gateway.logged(1);
    assert.equal(explanation.status ?? 200, status);
    assert.equal(explanation.endpoint, line?.upstream[0]?.['addr'] ?? null);
    if (explanation.endpoint !== null) {
      const name = explanation.endpoint === `127.0.0.1:${next.port}` ? 'next' : 'web';
      assert.deepEqual([answer.body, explanation.cluster], [name, `default/${name}:80`]);
    }
    assert.equal(explanation.ingress?.name ?? null, line?.['ingress_name'] ?? null);
    assert.ok(explanation.steps.every((step) => step.text !== ''));
  });
}
