import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { createLogger, isLogLevel, type LoggerOptions } from './logger.ts';
import { printTextLine } from './textLine.ts';

/** A logger whose lines are kept. */
function createRecorded(options: Partial<LoggerOptions> = {}): { logger: ReturnType<typeof createLogger>; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => { lines.push(line); }, flush: () => Promise.resolve() };
  return { logger: createLogger({ level: 'info', format: 'json', name: 'proxy', ...options, destination }), lines };
}

test('a JSON line holds time, level, name, message and the fields of the call and of its parents', () => {
  const { logger, lines } = createRecorded();
  logger.child({ worker: '1' }).warn('slow', { tookMs: 7 });
  const { time, ...rest } = JSON.parse(lines[0] ?? '');
  assert.match(time, /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(rest, { level: 'warn', name: 'proxy', worker: '1', tookMs: 7, message: 'slow' });
});

test('lines below the level are not written', () => {
  const { logger, lines } = createRecorded({ level: 'error' });
  logger.warn('unseen');
  logger.error('seen');
  assert.equal(lines.length, 1);
});

test('an error is logged with its stack in both formats, on one line', () => {
  for (const format of ['json', 'text'] as const) {
    const { logger, lines } = createRecorded({ format });
    logger.error('failed', { error: new Error('broken') });
    assert.match(lines[0] ?? '', /broken.*logger\.test\.ts/);
    assert.equal(lines[0]?.trimEnd().includes('\n'), false);
  }
});

test('a text line is readable, and nothing from outside forges a second one or drives the terminal', () => {
  const line = printTextLine(JSON.stringify({
    level: 'info', time: '2026-01-02T03:04:05.678Z', name: 'proxy', message: 'bad host\nINFO forged', host: 'a\u001b[31m\u202eb', count: 3,
  }));
  assert.equal(line, '2026-01-02T03:04:05.678Z INFO  proxy: bad host\\u{a}INFO forged host="a\\u001b[31m\\u{202e}b" count=3\n');
});

test('a field named __proto__ is a field like any other', () => {
  assert.match(printTextLine('{"level":"info","time":"t","name":"n","message":"m","__proto__":"x"}'), /__proto__=x/);
});

test('levels are known by name', () => {
  assert.ok(isLogLevel('debug'));
  assert.ok(!isLogLevel('loud'));
});

test('a reader of standard error that never reads stalls nothing, and lines beyond the backlog are dropped', async (t) => {
  const program = `
    import { createLogger } from '${new URL('./logger.ts', import.meta.url).href}';
    const logger = createLogger({ level: 'info', format: 'json', name: 'test' });
    const filler = 'x'.repeat(10_000);
    for (let count = 0; count < 1_000; count += 1) logger.info(filler);
    await logger.flush(50);
    process.stdout.write('done', () => process.kill(process.pid, 'SIGKILL'));
  `;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  // Standard error is a pipe that nobody reads.
  const [text] = await once(child.stdout, 'data');
  assert.equal(String(text), 'done');
});
