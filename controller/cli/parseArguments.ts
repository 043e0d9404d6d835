import { parseArgs } from 'node:util';
import { environmentTwin, type Flag } from './flag.ts';
import { nearest } from './nearest.ts';

/** Environment variables, as in process.env. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** option field → its flag. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The value type of each flag of a table. */
export type FlagValues<F extends FlagTable> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** What may stand on the command line beside flags. */
export interface Positionals {
  /** Stands for one of them in help and messages: `PATH`. Empty: none may be given. */
  readonly name: string;
  readonly least: number;
  readonly most: number;
}

/** A command line that was understood, a wish for help, or wrong usage in words (exit status 2). */
export type ParsedArguments<F extends FlagTable> =
  | { readonly type: 'values'; readonly flags: FlagValues<F>; readonly positionals: readonly string[] }
  | { readonly type: 'help' }
  | { readonly type: 'wrong'; readonly message: string };

/** What was written for one flag, and where: `--http` or `GATEHOUSE_HTTP`. */
interface Given {
  readonly via: string;
  readonly texts: readonly string[];
}

class WrongUsage extends Error {}

/**
 * Reads the arguments that follow a command's name. A flag on the command line replaces its environment twin; an empty
 * twin counts as not set. Everything wrong is refused: unknown flags, missing and malformed values, surplus words.
 */
export function parseArguments<F extends FlagTable>(
  argv: readonly string[],
  environment: Environment,
  table: F,
  positionals: Positionals,
): ParsedArguments<F> {
  try {
    const line = readLine(argv, Object.values(table));
    if (line === 'help') return { type: 'help' };
    checkPositionals(line.positionals, positionals);
    const entries = Object.entries(table).map(([field, flag]) => [field, valueOf(flag, line.given, environment)]);
    return { type: 'values', flags: Object.fromEntries(entries) as FlagValues<F>, positionals: line.positionals };
  } catch (error) {
    if (error instanceof WrongUsage) return { type: 'wrong', message: error.message };
    throw error;
  }
}

interface Line {
  /** flag name → what the command line gives for it. */
  readonly given: ReadonlyMap<string, Given>;
  readonly positionals: readonly string[];
}

function readLine(argv: readonly string[], flags: readonly Flag<unknown>[]): Line | 'help' {
  const { tokens } = parseArgs({ args: [...argv], options: nodeOptions(flags), strict: false, allowPositionals: true, tokens: true });
  const given = new Map<string, Given>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help') return 'help';
    const flag = flags.find((candidate) => candidate.name === token.name);
    if (flag === undefined) throw new WrongUsage(unknownFlag(token.rawName, flags));
    const before = given.get(flag.name)?.texts ?? [];
    given.set(flag.name, { via: token.rawName, texts: [...before, ...flagTexts(flag, token)] });
  }
  return { given, positionals };
}

function nodeOptions(flags: readonly Flag<unknown>[]): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  const help: [string, { type: 'string' | 'boolean'; short?: string }] = ['help', { type: 'boolean', short: 'h' }];
  const options = flags.map((flag): typeof help => {
    const type = flag.arity === 'toggle' ? 'boolean' : 'string';
    return [flag.name, flag.short === null ? { type } : { type, short: flag.short }];
  });
  return Object.fromEntries([help, ...options]);
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function flagTexts(flag: Flag<unknown>, token: OptionToken): readonly string[] {
  if (flag.arity === 'toggle') return [token.value ?? 'true'];
  const missing = token.value === undefined || (token.inlineValue !== true && /^-./.test(token.value));
  if (missing) throw new WrongUsage(`${token.rawName} needs a value: ${token.rawName} ${flag.placeholder}`);
  const text = token.value ?? '';
  return flag.arity === 'many' && flag.splitsFlag ? splitTexts(text, flag.separator) : [text];
}

function valueOf(flag: Flag<unknown>, line: ReadonlyMap<string, Given>, environment: Environment): unknown {
  const given = line.get(flag.name) ?? environmentGiven(flag, environment);
  if (given === null) return flag.fallback();
  const reading = flag.read(given.texts);
  if (reading.ok) return reading.value;
  throw new WrongUsage(`${given.via} must be ${reading.expected} (got ${JSON.stringify(reading.text)})`);
}

function environmentGiven(flag: Flag<unknown>, environment: Environment): Given | null {
  const via = environmentTwin(flag);
  const text = environment[via];
  if (text === undefined || text === '') return null;
  return { via, texts: flag.arity === 'many' ? splitTexts(text, flag.separator) : [text] };
}

function splitTexts(text: string, separator: string): readonly string[] {
  return text.split(separator).map((part) => part.trim());
}

function unknownFlag(rawName: string, flags: readonly Flag<unknown>[]): string {
  const near = nearest(rawName.replace(/^-+/, ''), [...flags.map((flag) => flag.name), 'help']);
  return `unknown flag ${rawName}${near === null ? '' : `; did you mean --${near}?`}`;
}

function checkPositionals(words: readonly string[], allowed: Positionals): void {
  const surplus = words[allowed.most];
  if (surplus !== undefined) throw new WrongUsage(`unexpected argument ${JSON.stringify(surplus)}`);
  if (words.length < allowed.least) throw new WrongUsage(`${allowed.name} is missing`);
  if (words.includes('')) throw new WrongUsage(`${allowed.name} must not be empty`);
}
