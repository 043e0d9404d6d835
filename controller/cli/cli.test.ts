import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from './cli.ts';
import { bgpCommand } from './commands/bgp.ts';
import { checkCommand } from './commands/check.ts';
import { demoCommand } from './commands/demo.ts';
import { explainCommand } from './commands/explain.ts';
import { runCommand } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { EventEmitter } from 'node:events';

const CLI = { version: '1.2.3', commands: [runCommand('1.2.3'), demoCommand('1.2.3'), checkCommand, explainCommand, statusCommand, bgpCommand] };

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(...argv: readonly string[]): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const status = await runCli(CLI, argv, {
    environment: {},
    signals: new EventEmitter(),
    stdout: (text) => { stdout += text; },
    stderr: (text) => { stderr += text; },
  });
  return { status, stdout, stderr };
}

test('the overview names every command and is what help prints', async () => {
  const help = await run('--help');
  assert.equal(help.status, 0);
  for (const { text } of CLI.commands) assert.match(help.stdout, new RegExp(`^  ${text.name} +${text.summary.slice(0, 10)}`, 'm'));
  assert.deepEqual(await run('help'), help);
  assert.deepEqual(await run('-h'), help);
});

test('no command at all is wrong usage and shows the overview', async () => {
  const nothing = await run();
  assert.equal(nothing.status, 2);
  assert.match(nothing.stderr, /Usage: gatehouse COMMAND/);
});

test('the version is told', async () => {
  assert.deepEqual(await run('--version'), { status: 0, stdout: 'gatehouse 1.2.3\n', stderr: '' });
});

test('an unknown command is refused with the nearest right one', async () => {
  const near = await run('stauts');
  assert.equal(near.status, 2);
  assert.match(near.stderr, /unknown command "stauts"; did you mean "status"\?/);
  assert.match((await run('frobnicate')).stderr, /the commands are run, demo, check, explain, status/);
  assert.match((await run('--frobnicate')).stderr, /unknown flag "--frobnicate"/);
  assert.equal((await run('help', 'stauts')).status, 2);
});

for (const { text } of CLI.commands) {
  test(`gatehouse ${text.name} --help has usage, examples, and each flag with its environment twin`, async () => {
    const { status, stdout } = await run(text.name, '--help');
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^Usage: gatehouse ${text.name}`));
    assert.match(stdout, new RegExp(`^Examples:\\n  # .*\\n  .*gatehouse ${text.name}`, 'm'));
    const flags = stdout.match(/^ {2}(?:-[a-zA-Z], )?--[a-z-]+/gm) ?? [];
    const twins = stdout.match(/GATEHOUSE_[A-Z_]+\./g) ?? [];
    assert.equal(flags.length, twins.length + 1, 'all but --help have a twin');
    assert.ok(stdout.split('\n').every((line) => line.length <= 110), 'lines fit a terminal');
    assert.deepEqual(await run('help', text.name), { status, stdout, stderr: '' });
  });
}

test('the help of run tells every flag of the contract with its default', async () => {
  const { stdout } = await run('run', '--help');
  const flags = ['manifests', 'http', 'https', 'admin', 'workers', 'node-name', 'ingress-class', 'watch-namespace',
    'watch-ingress-without-class', 'allow-external-name', 'configmap', 'trusted-proxies', 'drain-timeout', 'vips', 'publish-service',
    'tcp-services-configmap', 'udp-services-configmap', 'state-dir', 'log-level', 'log-format'];
  for (const flag of flags) assert.match(stdout, new RegExp(`^  --${flag}( |$)`, 'm'));
  assert.match(stdout, /--drain-timeout DURATION\n.*\n? *.*Default: 300s\./);
  assert.match(stdout, /Default: 127\.0\.0\.1:9090\./);
});

test('wrong usage of a command exits 2 and says where to read on', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['run'], /say where objects come from: --manifests PATH, or --kubeconfig PATH/],
    [['run', '--manifests', '.', '--kubeconfig', 'k'], /exclude each other/],
    [['run', '--kubeconfig', 'k', '--webhook-key', 'k'], /--webhook-certificate and --webhook-key go together/],
    [['run', '--manifests', 'x', '--workers', '0'], /--workers must be a whole number from 1 to 256 \(got "0"\)/],
    [['run', '--manifest', 'x'], /unknown flag --manifest; did you mean --manifests\?/],
    [['run', '--manifests', 'x', '--vips', 'on'], /--vips must be one of auto, bind, kernel, off \(got "on"\)/],
    [['check', '--publish-service', 'front', 'x'], /--publish-service must be NAMESPACE\/NAME/],
    [['run', 'x'], /unexpected argument "x"/],
    [['check'], /PATH is missing/],
    [['explain'], /URL is missing/],
    [['explain', 'ftp://x/'], /URL must be a URL such as/],
    [['explain', 'http://x/', '-H', 'nonsense'], /-H must be a header field/],
    [['status', '--output', 'yaml'], /--output must be one of text, json \(got "yaml"\)/],
  ];
  for (const [argv, message] of cases) {
    const { status, stderr, stdout } = await run(...argv);
    assert.equal(status, 2, argv.join(' '));
    assert.match(stderr, message);
    assert.match(stderr, new RegExp(`See "gatehouse ${argv[0]} --help"`));
    assert.equal(stdout, '');
  }
});

test('status and explain say so when nothing answers, and exit 1', async () => {
  // Port 1 of loopback: nobody listens there.
  for (const argv of [['status', '--admin', '127.0.0.1:1'], ['explain', 'http://shop.test/', '--admin', '127.0.0.1:1']]) {
    const { status, stderr } = await run(...argv);
    assert.equal(status, 1);
    assert.match(stderr, /no Gatehouse answers on 127\.0\.0\.1:1 .*\n.*--admin ADDR:PORT/);
  }
});

test('run says which folder is missing and exits 1', async () => {
  const { status, stderr } = await run('run', '--manifests', '/nonexistent/manifests', '--http', '127.0.0.1:0');
  assert.equal(status, 1);
  assert.match(stderr, /--manifests: there is no file or folder "\/nonexistent\/manifests"/);
});
