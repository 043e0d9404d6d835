import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { decodeObject } from '../controller/decode/decodeObject.ts';
import { lacks } from './support/requirement.ts';

const ROOT = join(import.meta.dirname, '..');
/** Ports that README.md uses; here each stands for a free one. */
const PORTS = ['3000', '8080', '8443', '9090'] as const;

/** A shell block of README.md that is marked by a comment above it. */
interface Block {
  readonly kind: 'runs' | 'runs and prints' | 'runs in the background';
  readonly command: string;
  /** The text block below it; `…` stands for anything. Empty unless it prints. */
  readonly prints: string;
}

/** The marked blocks, in the order of a reader. */
function blocksOf(markdown: string): readonly Block[] {
  const marked = /<!-- (runs|runs and prints|runs in the background) -->\n```sh\n([^]*?)```\n(?:\n```text\n([^]*?)```\n)?/g;
  return [...markdown.matchAll(marked)].map(([, kind, command = '', prints = '']) => {
    return { kind: kind as Block['kind'], command, prints: kind === 'runs and prints' ? prints : '' };
  });
}

/** Free ports of loopback, all different. */
async function freePorts(count: number): Promise<readonly string[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => String((server.address() as AddressInfo).port));
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** A folder that looks to a reader like the checkout, without what others may write there. */
async function workplace(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-readme-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'bin'));
  await symlink(join(ROOT, 'bin/gatehouse'), join(folder, 'bin/gatehouse'));
  return folder;
}

interface Shell {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

function run(command: string, shell: Shell): Promise<{ readonly status: number | string | null; readonly output: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile('sh', ['-ec', command], { ...shell, timeout: 60_000 }, (error, output, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? null), output, stderr });
    });
  });
}

/** Starts a command in a process group of its own and waits until it says that it is ready. */
async function runInBackground(context: TestContext, command: string, shell: Shell): Promise<void> {
  const child = spawn('sh', ['-ec', command], { ...shell, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  context.after(() => endGroup(child));
  const said: string[] = [];
  const output = new PassThrough();
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output, { end: false });
  child.once('exit', () => output.end());
  for await (const line of createInterface({ input: output })) {
    said.push(line);
    if (/\bready\b/.test(line)) {
      output.resume();
      return;
    }
  }
  assert.fail(`${command}\n${said.join('\n')}`);
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  process.kill(-child.pid, 'SIGTERM');
  await exited;
}

function patternOf(prints: string): RegExp {
  const literal = prints.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '[^]*?');
  return new RegExp(`^${literal}$`);
}

test('the marked commands of README.md work in its order and print what it says', { skip: lacks('curl') || lacks('node') }, async (context) => {
  const blocks = blocksOf(await readFile(join(ROOT, 'README.md'), 'utf8'));
  assert.deepEqual(new Set(blocks.map((block) => block.kind)), new Set(['runs', 'runs and prints', 'runs in the background']));
  const free = await freePorts(PORTS.length);
  const withFreePorts = (text: string): string =>
    text.replaceAll(/\b(?:3000|8080|8443|9090)\b/g, (port) => free[PORTS.findIndex((candidate) => candidate === port)] ?? port);
  const shell: Shell = { cwd: await workplace(context), env: { ...process.env, GATEHOUSE_ADMIN: withFreePorts('127.0.0.1:9090') } };
  for (const { kind, command, prints } of blocks) {
    const pasted = withFreePorts(command);
    if (kind === 'runs in the background') {
      await runInBackground(context, pasted, shell);
      continue;
    }
    const { status, output, stderr } = await run(pasted, shell);
    assert.equal(status, 0, `${pasted}\n${output}${stderr}`);
    if (kind === 'runs and prints') assert.match(output.replaceAll(/ +$/gm, ''), patternOf(withFreePorts(prints)), pasted);
  }
});

/** Blocks that nothing here can run: they need a cluster and a registry. */
function clusterBlocksOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/<!-- needs a cluster -->\n```sh\n([^]*?)```\n/g)].map(([, command = '']) => command);
}

test('every command block of README.md is marked, but for the two commands to start with', async () => {
  const markdown = await readFile(join(ROOT, 'README.md'), 'utf8');
  const all = [...markdown.matchAll(/```sh\n([^]*?)```/g)].map(([, command = '']) => command);
  const marked = new Set([...blocksOf(markdown).map((block) => block.command), ...clusterBlocksOf(markdown)]);
  assert.deepEqual(all.filter((command) => !marked.has(command)), ['npm install && npm start\n']);
});

test('what the commands of README.md for a cluster name is there: values of the chart, the class, the objects', async () => {
  const commands = clusterBlocksOf(await readFile(join(ROOT, 'README.md'), 'utf8')).join('');
  const values: unknown = parse(await readFile(join(ROOT, 'helm/gatehouse/values.yaml'), 'utf8'));
  const set = [...commands.matchAll(/--set ([\w.]+)=/g)].map(([, path = '']) => path);
  assert.ok(set.length > 0);
  for (const path of set) assert.notEqual(valueAt(values, path), undefined, path);
  const [, className] = /--class=(\S+)/.exec(commands) ?? [];
  assert.equal(className, valueAt(values, 'ingressClass.name'));
  for (const [, text = ''] of commands.matchAll(/<<'YAML'\n([^]*?)YAML\n/g)) {
    const { object, problems } = decodeObject(parse(text), null);
    assert.ok(object !== null);
    assert.deepEqual(problems, []);
  }
});

function valueAt(values: unknown, path: string): unknown {
  return path.split('.').reduce((value: unknown, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined), values);
}
