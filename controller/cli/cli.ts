import { EXIT, type Command, type CommandContext } from './command.ts';
import { overviewHelp } from './help.ts';
import { nearest } from './nearest.ts';

/** What there is to run, and the version to tell. */
export interface Cli {
  readonly commands: readonly Command[];
  readonly version: string;
}

/** Runs one command line (without the program's own name). Resolves to the exit status. */
export async function runCli(cli: Cli, argv: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = argv;
  const command = cli.commands.find((candidate) => candidate.text.name === name);
  if (command !== undefined) return command.execute(rest, context);
  if (name === undefined) {
    context.stderr(overviewHelp(cli.commands, cli.version));
    return EXIT.usage;
  }
  if (name === '--version' || name === 'version') {
    context.stdout(`gatehouse ${cli.version}\n`);
    return EXIT.success;
  }
  return name === '--help' || name === '-h' || name === 'help' ? help(cli, rest[0], context) : unknown(cli, name, context);
}

function help(cli: Cli, name: string | undefined, context: CommandContext): number {
  const command = cli.commands.find((candidate) => candidate.text.name === name);
  if (name !== undefined && command === undefined) return unknown(cli, name, context);
  context.stdout(command?.help() ?? overviewHelp(cli.commands, cli.version));
  return EXIT.success;
}

function unknown(cli: Cli, name: string, context: CommandContext): number {
  const names = cli.commands.map((command) => command.text.name);
  const near = nearest(name, names);
  const hint = near === null ? `the commands are ${names.join(', ')}` : `did you mean "${near}"?`;
  context.stderr(`gatehouse: unknown ${name.startsWith('-') ? 'flag' : 'command'} ${JSON.stringify(name)}; ${hint}\nSee "gatehouse --help".\n`);
  return EXIT.usage;
}
