import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { ingress, service } from '../support/manifests.ts';
import { backendFor, serve } from '../support/serve.ts';

const AUTOCANNON = createRequire(import.meta.url).resolve('autocannon');

interface Report {
  readonly errors: number;
  readonly timeouts: number;
  readonly mismatches: number;
  readonly non2xx: number;
  readonly '2xx': number;
}

test('autocannon sees no error in 5 seconds of pipelined load', async (t: TestContext) => {
  const backends = await Promise.all(['a', 'b'].map((name) => backendFor(t, name, (_, response) => response.end('hello'))));
  const { http } = await serve(t, [ingress('echo', 'gw.test', [{ path: '/', service: 'echo' }]), ...service('echo', backends)]);
  const load = ['-c', '20', '-p', '4', '-d', '5', '-H', 'Host=gw.test', '--expectBody', 'hello', '--json', '--no-progress'];
  const { stdout } = await promisify(execFile)(process.execPath, [AUTOCANNON, ...load, `http://127.0.0.1:${http}/`]);
  const { errors, timeouts, mismatches, non2xx, '2xx': good } = JSON.parse(stdout) as Report;
  assert.deepEqual({ errors, timeouts, mismatches, non2xx }, { errors: 0, timeouts: 0, mismatches: 0, non2xx: 0 });
  assert.ok(good > 1000, `only ${good} answers`);
});
