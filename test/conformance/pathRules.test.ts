import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { ingress, service, type PathTo } from '../support/manifests.ts';
import { send } from '../support/send.ts';
import { serve } from '../support/serve.ts';
import { addressesOf } from './ingressStatus.ts';
import { pod, sawBy } from './podEcho.ts';

/** Host → its paths; all in one Ingress of the suite, one Ingress per host here. */
const PATHS: Readonly<Record<string, readonly PathTo[]>> = {
  'exact-path-rules': [{ path: '/foo', pathType: 'Exact', service: 'foo-exact' }],
  'prefix-path-rules': [
    { path: '/foo', pathType: 'Prefix', service: 'foo-prefix' },
    { path: '/aaa/bbb', pathType: 'Prefix', service: 'aaa-slash-bbb-prefix' },
    { path: '/aaa', pathType: 'Prefix', service: 'aaa-prefix' },
  ],
  'mixed-path-rules': [
    { path: '/foo', pathType: 'Prefix', service: 'foo-prefix' },
    { path: '/foo', pathType: 'Exact', service: 'foo-exact' },
  ],
  'trailing-slash-path-rules': [
    { path: '/aaa/bbb/', pathType: 'Prefix', service: 'aaa-slash-bbb-slash-prefix' },
    { path: '/foo/', pathType: 'Exact', service: 'foo-slash-exact' },
  ],
};

interface Scenario {
  readonly says: string;
  readonly host: keyof typeof PATHS;
  readonly path: string;
  /** Service that answers; null: 404. */
  readonly service: string | null;
}

const SCENARIOS: readonly Scenario[] = [
  { says: 'Exact /foo matches /foo', host: 'exact-path-rules', path: '/foo', service: 'foo-exact' },
  { says: 'Exact /foo does not match /foo/', host: 'exact-path-rules', path: '/foo/', service: null },
  { says: 'Exact /foo is case-sensitive', host: 'exact-path-rules', path: '/FOO', service: null },
  { says: 'Exact /foo does not match any other path', host: 'exact-path-rules', path: '/bar', service: null },
  { says: 'Prefix /foo matches /foo', host: 'prefix-path-rules', path: '/foo', service: 'foo-prefix' },
  { says: 'Prefix /foo matches /foo/', host: 'prefix-path-rules', path: '/foo/', service: 'foo-prefix' },
  { says: 'Prefix /foo matches a request with a trailing slash', host: 'prefix-path-rules', path: '/foo/', service: 'foo-prefix' },
  { says: 'Prefix /foo is case-sensitive', host: 'prefix-path-rules', path: '/FOO', service: null },
  { says: 'the longest Prefix wins', host: 'prefix-path-rules', path: '/aaa/bbb', service: 'aaa-slash-bbb-prefix' },
  { says: 'the longest Prefix wins for subpaths', host: 'prefix-path-rules', path: '/aaa/bbb/ccc', service: 'aaa-slash-bbb-prefix' },
  { says: 'the shorter Prefix takes what the longer does not', host: 'prefix-path-rules', path: '/aaa/ccc', service: 'aaa-prefix' },
  { says: 'Prefix matches whole path elements only', host: 'prefix-path-rules', path: '/aaaccc', service: null },
  { says: 'Exact goes before an equal Prefix', host: 'mixed-path-rules', path: '/foo', service: 'foo-exact' },
  { says: 'Prefix with a trailing slash matches without it', host: 'trailing-slash-path-rules', path: '/aaa/bbb', service: 'aaa-slash-bbb-slash-prefix' },
  { says: 'Prefix with a trailing slash matches with it', host: 'trailing-slash-path-rules', path: '/aaa/bbb/', service: 'aaa-slash-bbb-slash-prefix' },
  { says: 'Exact with a trailing slash does not match without it', host: 'trailing-slash-path-rules', path: '/foo', service: null },
];

suite('path_rules', () => {
  test('an Ingress for each kind of path', async (t: TestContext) => {
    const names = new Set(Object.values(PATHS).flatMap((paths) => paths.map((path) => path.service)));
    const services = await Promise.all([...names].map(async (name) => service(name, [await pod(t, name)])));
    const ingresses = Object.entries(PATHS).map(([host, paths]) => ingress(host, host, paths));
    const gatehouse = await serve(t, [...ingresses, ...services.flat()]);
    for (const host of Object.keys(PATHS)) assert.notDeepEqual(await addressesOf(gatehouse, host), []);
    for (const { says, host, path, service: expected } of SCENARIOS) {
      await t.test(`path_rules: ${says} (${path})`, async () => {
        if (expected === null) assert.equal((await send({ port: gatehouse.http, host, path })).status, 404);
        else await sawBy(expected, { port: gatehouse.http, host, path });
      });
    }
  });
});
