import type { SignalSource } from '../runtime/stopSignals.ts';
import { commandHelp } from './help.ts';
import { parseArguments, type Environment, type FlagTable, type FlagValues, type Positionals } from './parseArguments.ts';

/** Everything a command may touch of the process besides what it starts itself. */
export interface CommandContext {
  readonly environment: Environment;
  readonly signals: SignalSource;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** Exit statuses of every command: done; failed, or problems found; wrong usage. */
export const EXIT = { success: 0, failure: 1, usage: 2 } as const;

/** What a person reads about a command in `--help`. */
export interface CommandText {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** What it does, a few lines. */
  readonly description: string;
  readonly positionals: Positionals & { readonly help: string };
  /** Command lines that work as they stand, each with the words before it. */
  readonly examples: readonly (readonly [comment: string, line: string])[];
}

/** A command ready to be run with the arguments after its name. */
export interface Command {
  readonly text: CommandText;
  help(): string;
  /** Resolves to the exit status. */
  execute(argv: readonly string[], context: CommandContext): Promise<number>;
}

/** Binds a command's flags to what it does. */
export function defineCommand<F extends FlagTable>(
  text: CommandText,
  flags: F,
  run: (flags: FlagValues<F>, positionals: readonly string[], context: CommandContext) => Promise<number>,
): Command {
  const help = (): string => commandHelp(text, Object.values(flags));
  return {
    text,
    help,
    async execute(argv, context) {
      const parsed = parseArguments(argv, context.environment, flags, text.positionals);
      switch (parsed.type) {
        case 'help':
          context.stdout(help());
          return EXIT.success;
        case 'wrong':
          return wrongUsage(text.name, parsed.message, context);
        case 'values':
          return run(parsed.flags, parsed.positionals, context);
      }
    },
  };
}

/** Says what is wrong with a command line and where to read on; the exit status for it. */
export function wrongUsage(command: string, message: string, context: CommandContext): number {
  context.stderr(`gatehouse ${command}: ${message}\nSee "gatehouse ${command} --help".\n`);
  return EXIT.usage;
}
