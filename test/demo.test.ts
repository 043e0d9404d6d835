import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../bin/gatehouse', import.meta.url));

interface Demo {
  readonly process: ChildProcess;
  /** The printed commands, as a reader would paste them. */
  readonly commands: readonly string[];
  /** Where the demo keeps its files. */
  readonly temporary: string;
  readonly stderr: Promise<string>;
}

/** Starts the demo with a temporary folder of its own and reads the table it prints. */
async function startDemo(context: TestContext): Promise<Demo> {
  const temporary = await mkdtemp(join(tmpdir(), 'gatehouse-demo-test-'));
  const child = spawn(COMMAND, ['demo'], { env: { ...process.env, TMPDIR: temporary }, stdio: ['ignore', 'pipe', 'pipe'] });
  context.after(async () => {
    child.kill('SIGKILL');
    await rm(temporary, { recursive: true, force: true });
  });
  const stderr = text(child.stderr);
  const commands: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (/^ {2}[^#\s]/.test(line)) commands.push(line.slice(2));
    if (line.includes('Press Ctrl-C')) break;
  }
  child.stdout.resume();
  if (commands.length === 0) assert.fail(`the demo printed no commands: ${await stderr}`);
  return { process: child, commands, temporary, stderr };
}

/** Pastes a command into a shell, as a user in another terminal and another folder does. */
function paste(command: string): Promise<{ readonly status: number | string | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { cwd: '/', timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? null), stdout, stderr });
    });
  });
}

/** What each command must show, by a piece of the command. */
const SHOWS: readonly (readonly [piece: string, shows: RegExp])[] = [
  ['http://shop.test:[0-9]+/$', /^Welcome to the shop/],
  ['http://shop.test:[0-9]+/cart$', /^Your cart is empty/],
  ['^for turn in 1', /^(Your cart is empty\. \(cart [12]\)\n)\1{3}$/],
  ['uniq -c', /^ *\d+ .*"v1".*\n *\d+ .*"v2"/],
  ['^curl .*X-Canary', /"version":"v2"/],
  ['--cacert.*https://checkout', /^Pay here, safely/],
  ['call.mjs', /^a fine lantern\ngrpc-status: 0\n$/],
  ['--cacert.*https://vault', /^Only you and the vault/],
  ['knock.mjs tcp', /^two lanterns\n$/],
  ['knock.mjs udp', /^all is well\n$/],
  ['-i .* http://checkout', /^HTTP\/1\.1 308[^]*Location: https:\/\/checkout\.shop\.test\//i],
  ['say.mjs', /^hello, gatehouse\n$/],
  ['nobody', /^HTTP\/1\.1 404/],
  ['^sed', /"version":"v2"/],
  [' status ', /ready, generation 2 [^]*checkout\.shop\.test[^]*orders +127\.77\.\d+\.1 +shop +proxy[^]*No problems\./],
  [' explain ', /Ingress shop\/api[^]*header x-canary says/],
  ['/metrics', /^gatehouse_requests_total\{.*ingress="cart"/m],
];

test('every command that the demo prints works when pasted, and Ctrl-C leaves nothing behind', async (context) => {
  const demo = await startDemo(context);
  assert.equal(demo.commands.length, SHOWS.length);
  for (const command of demo.commands) {
    const { status, stdout, stderr } = await paste(command);
    assert.equal(status, 0, `${command}\n${stderr}`);
    assert.equal(stderr, '', command);
    const expected = SHOWS.find(([piece]) => new RegExp(piece).test(command));
    assert.match(stdout, expected?.[1] ?? assert.fail(`unexpected command: ${command}`), command);
  }
  const exited = once(demo.process, 'exit');
  demo.process.kill('SIGINT');
  assert.deepEqual(await exited, [0, null]);
  assert.equal(await demo.stderr, '');
  assert.deepEqual(await readdir(demo.temporary), []);
});

test('a second demo takes the next free ports', async (context) => {
  const first = await startDemo(context);
  const second = await startDemo(context);
  const port = (demo: Demo): number => Number(/shop\.test:(\d+):/.exec(demo.commands[0] ?? '')?.[1]);
  assert.notEqual(port(first), port(second));
  const answer = await paste(second.commands[0] ?? '');
  assert.match(answer.stdout, /^Welcome to the shop/);
  for (const demo of [first, second]) {
    const exited = once(demo.process, 'exit');
    demo.process.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  }
});
