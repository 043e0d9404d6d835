import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { createLogBudget } from './logBudget.ts';
import { BUDGET_BYTES, WORKERS, type ChildReport } from './logWriter.child.ts';
import { LogWriter } from './logWriter.ts';

const LINE = /^192\.0\.2\.1 - - \[[^\]]+\] "GET \/w(\d)\/(\d+) HTTP\/1\.1" 200 5 "-" "curl\/7\.88\.1" 80 0\.004 \[shop-web-80\] \[\] 10\.0\.0\.1:8080 5 0\.004 200 [0-9a-f]{32}$/;

interface Child {
  /** Gives an order and waits for the report; it can only come while the child's event loop turns. */
  order(name: string): Promise<ChildReport>;
  /** Resolves with the exit code. */
  readonly exited: Promise<unknown[]>;
}

function startChild(context: TestContext, standardOutput: number | 'pipe'): Child & { readonly process: ChildProcess } {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'logWriter.child.ts')], {
    stdio: ['ignore', standardOutput, 'inherit', 'ipc'],
  });
  context.after(() => child.kill('SIGKILL'));
  const order = async (name: string): Promise<ChildReport> => {
    child.send(name);
    const [report] = (await once(child, 'message')) as [ChildReport];
    assert.equal(report.order, name);
    return report;
  };
  return { process: child, order, exited: once(child, 'exit') };
}

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-log-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A child that writes into a named pipe, and the pipe's reading end. */
function startOnFifo(context: TestContext) {
  const path = join(temporaryFolder(context), 'fifo');
  execFileSync('mkfifo', [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  const child = startChild(context, writeEnd);
  closeSync(writeEnd);
  const reader = new Socket({ fd: readEnd, readable: true, writable: false });
  context.after(() => reader.destroy());
  return { child, reader };
}

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('latin1')) text += String(chunk);
  return text;
}

/** Every line whole, in the order of its worker, none twice. Returns how many there are. */
function checkLines(text: string): number {
  assert.ok(text.endsWith('\n'));
  const lines = text.slice(0, -1).split('\n');
  const lastByWorker = new Map<string, number>();
  for (const line of lines) {
    const [, worker = '', number = ''] = LINE.exec(line) ?? assert.fail(`torn line: ${line}`);
    assert.ok(Number(number) > (lastByWorker.get(worker) ?? -1), `out of order: ${line}`);
    lastByWorker.set(worker, Number(number));
  }
  return lines.length;
}

async function blockedThenRead(child: Child, reader: Readable): Promise<void> {
  const flooded = await child.order('flood');
  assert.ok(flooded.dropped > 0, 'lines are dropped while nobody reads');
  assert.ok(flooded.dropped < flooded.produced);
  assert.ok(flooded.pendingBytes > 0 && flooded.pendingBytes <= BUDGET_BYTES * WORKERS, 'bounded by the budgets');
  const text = readAll(reader);
  assert.equal((await child.order('settle')).pendingBytes, 0);
  const more = await child.order('more');
  assert.equal(more.dropped, flooded.dropped, 'nothing is dropped any more');
  const end = await child.order('end');
  assert.equal(end.unwritten, 0);
  assert.deepEqual(await child.exited, [0, null]);
  assert.equal(checkLines(await text), end.produced - end.dropped, 'every line was written once or counted as dropped');
}

test('a pipe that nobody reads costs lines but never blocks, and whole lines flow again once it is read', async (context) => {
  const { child, reader } = startOnFifo(context);
  await blockedThenRead(child, reader);
});

test('the same holds for a socket as standard output', async (context) => {
  const child = startChild(context, 'pipe');
  await blockedThenRead(child, child.process.stdout ?? assert.fail());
});

test('a process whose log nobody reads gives up after the time allowed and exits', async (context) => {
  const { child } = startOnFifo(context);
  await child.order('flood');
  const end = await child.order('end');
  assert.ok(end.unwritten > 0);
  assert.deepEqual(await child.exited, [0, null]);
});

test('a reader that goes away ends no process: lines are counted as dropped', async (context) => {
  const { child, reader } = startOnFifo(context);
  reader.destroy();
  await once(reader, 'close');
  const flooded = await child.order('flood');
  await child.order('settle');
  const end = await child.order('end');
  assert.equal(end.dropped, flooded.produced);
  assert.equal(end.pendingBytes, 0);
  assert.deepEqual(await child.exited, [0, null]);
});

test('a regular file as standard output holds every line that was not counted as dropped', async (context) => {
  const path = join(temporaryFolder(context), 'access.log');
  const file = openSync(path, 'a');
  const child = startChild(context, file);
  closeSync(file);
  await child.order('flood');
  await child.order('settle');
  const end = await child.order('end');
  assert.deepEqual(await child.exited, [0, null]);
  assert.equal(checkLines(readFileSync(path, 'latin1')), end.produced - end.dropped);
});

test('after its end a writer takes nothing more and gives the octets back', async () => {
  let dropped = 0;
  const writer = new LogWriter(new PassThrough(), { onDropped: (lines) => (dropped += lines) });
  const budget = createLogBudget(100);
  assert.equal(await writer.end(1000), 0);
  budget.tryTake(2);
  writer.write({ bytes: Buffer.alloc(2), lines: 1 }, budget);
  assert.deepEqual([dropped, budget.pendingBytes], [1, 0]);
});
