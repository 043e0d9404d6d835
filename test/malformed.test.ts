import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ProblemView, StatusView } from '../controller/status/statusView.ts';
import { startBackend } from './support/backend.ts';
import { printManifests, startGatehouse, type Gatehouse } from './support/gatehouse.ts';
import { startLoad } from './support/load.ts';
import { MALFORMED_FORMS, PRIVATE_KEYS, type MalformedForm } from './support/malformed.ts';
import { ingress, service, type BackendAddress, type Manifest } from './support/manifests.ts';
import { send } from './support/send.ts';

const COMMAND = fileURLToPath(new URL('../bin/gatehouse', import.meta.url));
const HEALTHY = 100;
/** What changes how a terminal shows what comes after it: C0, C1, bidirectional controls. */
// eslint-disable-next-line no-control-regex
const HOSTILE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

function healthy(backend: BackendAddress): readonly Manifest[] {
  return [
    ...service('web', [backend]),
    ...Array.from({ length: HEALTHY }, (_, index) =>
      ingress(`healthy-${index}`, `healthy-${index}.test`, [{ path: '/', service: 'web' }], { createdAt: '2025-01-01T00:00:00Z' }),
    ),
  ];
}

interface Outcome {
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function check(...argv: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(COMMAND, ['check', ...argv], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? null), stdout, stderr });
    });
  });
}

/** The problem that a form must have, among those of its file. */
function findProblem(problems: readonly ProblemView[], form: MalformedForm): ProblemView {
  const inFile = problemsOf(problems, form);
  const { line, object, field, rule, value } = form.problem;
  const found = inFile.find(
    (problem) =>
      problem.position?.line === line &&
      (problem.object?.name ?? null) === object &&
      problem.field === field &&
      rule.test(problem.rule) &&
      value.test(problem.value),
  );
  return found ?? assert.fail(`${form.name}: ${JSON.stringify(inFile, null, 2)}`);
}

function problemsOf(problems: readonly ProblemView[], form: MalformedForm): readonly ProblemView[] {
  return problems.filter(({ position }) => position?.file.endsWith(`/${form.name}.yaml`));
}

/** No line of a private key, neither as it is nor in base64 as Secrets have it. */
function assertNoKey(text: string, where: string): void {
  for (const pem of PRIVATE_KEYS) {
    const lines = pem.split('\n').filter((line) => line.length > 40);
    const encoded = Buffer.from(pem).toString('base64');
    for (const part of [...lines, encoded.slice(60, 120)]) assert.ok(!text.includes(part), `a private key in ${where}`);
  }
}

async function checkFolder(t: TestContext): Promise<{ readonly folder: string; readonly beside: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-malformed-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const beside = join(folder, 'healthy.yaml');
  await writeFile(beside, printManifests(healthy({ address: '127.0.0.1', port: 8080 })));
  for (const form of MALFORMED_FORMS) await writeFile(join(folder, `${form.name}.yaml`), form.text);
  return { folder, beside };
}

test('check names file, line, object, field and value of every malformed form, and exits 1 for each error', async (t) => {
  const { folder, beside } = await checkFolder(t);
  const checked = async (form: MalformedForm): Promise<void> => {
    const { status, stdout, stderr } = await check('--output', 'json', beside, join(folder, `${form.name}.yaml`));
    const { problems } = JSON.parse(stdout) as { readonly problems: readonly ProblemView[] };
    const problem = findProblem(problems, form);
    assert.equal(stderr, '');
    assert.equal(problemsOf(problems, form).length, problems.length, 'nothing else is at fault');
    assert.equal(status, problem.severity === 'error' || problems.some(({ severity }) => severity === 'error') ? 1 : 0, form.name);
    assertNoKey(stdout, 'check --output json');
  };
  for (let first = 0; first < MALFORMED_FORMS.length; first += 3) {
    await Promise.all(MALFORMED_FORMS.slice(first, first + 3).map(checked));
  }
  const { status, stdout } = await check(folder);
  assert.equal(status, 1);
  for (const { name, problem } of MALFORMED_FORMS) assert.ok(stdout.includes(`/${name}.yaml:${problem.line}: `), name);
  assert.doesNotMatch(stdout, HOSTILE);
  assertNoKey(stdout, 'check');
});

async function statusOf(gatehouse: Gatehouse): Promise<StatusView> {
  return (await gatehouse.api('/api/v1/status')) as StatusView;
}

/** Status once the problems of a form's file are there, or are gone. */
async function statusWhen(gatehouse: Gatehouse, form: MalformedForm, present: boolean): Promise<StatusView> {
  for (;;) {
    const status = await statusOf(gatehouse);
    const applied = status.appliedGeneration === status.generation;
    if (applied && problemsOf(status.problems, form).length > 0 === present) return status;
    await sleep(10);
  }
}

test('no malformed form disturbs a hundred healthy Ingresses, and fixing it heals without a restart', { timeout: 90_000 }, async (t) => {
  const backend = await startBackend('web', (_request, response) => response.end('web'));
  const gatehouse = await startGatehouse({ manifests: healthy(backend), logFormat: 'text', args: ['--drain-timeout', '2s'] });
  t.after(async () => {
    await gatehouse.stop();
    await backend.close();
  });
  const pid = await gatehouse.proxyPid();
  const load = startLoad(t, {
    lanes: 4,
    request: (number) => ({ port: gatehouse.http, host: `healthy-${number % HEALTHY}.test` }),
    judge: ({ status, body }) => (status === 200 && body === 'web' ? null : `status ${status}`),
  });
  for (const form of MALFORMED_FORMS) {
    await gatehouse.writeText(`${form.name}.yaml`, form.text);
    findProblem((await statusWhen(gatehouse, form, true)).problems, form);
    await load.answers(20);
  }
  for (const path of ['/api/v1/status', '/api/v1/snapshot']) assertNoKey(JSON.stringify(await gatehouse.api(path)), path);
  for (const form of MALFORMED_FORMS) {
    await gatehouse.writeText(`${form.name}.yaml`, form.fixed);
    await statusWhen(gatehouse, form, false);
    const { status } = await send({ port: gatehouse.http, host: `${form.name}.test` });
    assert.equal(status, 200, `${form.name} once it is fixed`);
  }
  assert.deepEqual((await statusOf(gatehouse)).problems, []);
  await load.answers(HEALTHY);
  const { answered, failures } = await load.stop();
  t.diagnostic(`${answered} requests to healthy hosts beside ${MALFORMED_FORMS.length} malformed forms`);
  assert.deepEqual(failures, []);
  assert.equal(await gatehouse.proxyPid(), pid, 'the proxy was not restarted');
  const log = gatehouse.log.map((entry) => JSON.stringify(entry)).join('\n');
  assertNoKey(log, 'the log');
  for (const { message } of gatehouse.log) assert.doesNotMatch(String(message), HOSTILE);
});
