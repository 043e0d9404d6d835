import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { processGone } from '../../../test/support/processState.ts';
import { until } from '../../../test/support/until.ts';
import { explainFailure } from './explainFailure.ts';
import { createNft, type NftResult } from './nft.ts';

function run(script: string, options: { timeoutMs?: number; maxOutputBytes?: number } = {}, input = ''): Promise<NftResult> {
  return createNft({ command: ['sh', '-c', script, 'sh'], ...options }).run([], input);
}

test('what goes in and comes out', async () => {
  assert.deepEqual(await run('cat', {}, 'some text'), { ok: true, output: 'some text' });
});

test('an error is its first octets, and is no fault where the input was not read', async () => {
  const result = await run('echo "Error: no" >&2; head -c 100000 /dev/zero >&2; exit 1', {}, 'x'.repeat(1_000_000));
  assert.ok(!result.ok && result.reason === 'refused' && result.text.length <= 4_096);
});

test('a program that hangs or says too much is ended', async () => {
  assert.deepEqual(await run('exec sleep 60', { timeoutMs: 20 }), { ok: false, reason: 'unknown', text: 'nft has not ended within 20 ms' });
  assert.deepEqual(await run('exec yes', { maxOutputBytes: 1_000 }), { ok: false, reason: 'unknown', text: 'nft has said more than can be taken' });
});

test('a program that is not there is told apart', async () => {
  const result = await createNft({ command: ['gatehouse-no-such-nft'] }).run([], '');
  assert.ok(!result.ok && result.reason === 'missing');
  assert.match(explainFailure(result), /install the package nftables/);
});

test('after a change that went well the process for the next one waits, and another is started where it has died', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-nft-'));
  t.after(() => rm(folder, { recursive: true }));
  const started = join(folder, 'started');
  const pids = async (): Promise<number[]> => (await readFile(started, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '').map(Number);
  const nft = createNft({ command: ['sh', '-c', 'echo $$ >> "$0"; cat; ! [ -e "$0.refuse" ]', started] });
  const count = (number: number) => until(`${number} processes`, async () => (await pids()).length === number);

  assert.deepEqual(await nft.run(['-f', '-'], 'first'), { ok: true, output: 'first' });
  await count(2);
  assert.deepEqual(await nft.run(['list'], 'what only looks'), { ok: true, output: 'what only looks' });
  await count(3);
  assert.deepEqual(await nft.run(['-f', '-'], 'second'), { ok: true, output: 'second' });
  await count(4);
  const [, , , waiting = 0] = await pids();
  process.kill(waiting, 'SIGKILL');
  await processGone(waiting);
  await writeFile(`${started}.refuse`, '');
  assert.deepEqual(await nft.run(['-f', '-'], 'third'), { ok: false, reason: 'refused', text: '' });
  await count(5);
  // What was refused is looked at anew first, so nothing is prepared.
  await rm(`${started}.refuse`);
  assert.deepEqual(await nft.run(['-f', '-'], 'fourth'), { ok: true, output: 'fourth' });
  await count(7);
});

const SENTENCES: readonly (readonly [said: string, sentence: RegExp])[] = [
  ['x:1:1-2: Error: Could not process rule: Operation not permitted\nadd table', /NET_ADMIN/],
  ['x:1:1-2: Error: Could not process rule: No such file or directory', /modules nf_tables/],
  ['x:1:1-2: Error: Could not process rule: Device or resource busy', /Device or resource busy\); it is tried again/],
];

for (const [text, sentence] of SENTENCES) {
  test(`"${text.slice(9, 70)}" says what to do`, () => {
    assert.match(explainFailure({ ok: false, reason: 'refused', text }), sentence);
  });
}
