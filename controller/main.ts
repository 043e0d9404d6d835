import { readFileSync } from 'node:fs';
import { runCli } from './cli/cli.ts';
import { bgpCommand } from './cli/commands/bgp.ts';
import { checkCommand } from './cli/commands/check.ts';
import { demoCommand } from './cli/commands/demo.ts';
import { explainCommand } from './cli/commands/explain.ts';
import { runCommand } from './cli/commands/run.ts';
import { statusCommand } from './cli/commands/status.ts';

/** Handles that are still open this long after a command is done are a fault; they must not keep the process. */
const LINGER_MS = 2000;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };
const commands = [runCommand(version), demoCommand(version), checkCommand, explainCommand, statusCommand, bgpCommand];

// Whoever reads our output may stop early, as `gatehouse status | head -1` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCli({ commands, version }, process.argv.slice(2), {
  environment: process.env,
  signals: process,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
});
setTimeout(() => process.exit(), LINGER_MS).unref();
