import type { Command, CommandText } from './command.ts';
import { environmentTwin, type Flag } from './flag.ts';

const WIDTH = 100;
const INDENT = 6;

/** `gatehouse --help`: what it is, the commands, how to go on. */
export function overviewHelp(commands: readonly Command[], version: string): string {
  const width = Math.max(...commands.map((command) => command.text.name.length));
  const lines = commands.map(({ text }) => `  ${text.name.padEnd(width)}   ${text.summary}`);
  return `Gatehouse ${version}: a Kubernetes Ingress controller with its own load balancer. Serves Ingresses and
Services of type LoadBalancer from a folder of manifests.

Usage: gatehouse COMMAND [FLAGS]

${lines.join('\n')}

  gatehouse COMMAND --help    what a command does, its flags, examples
  gatehouse --version         the version

New here? "gatehouse demo" serves a small shop on this machine and prints what to try.
Every flag has a twin in the environment: GATEHOUSE_HTTP for --http. The flag wins.
Exit status: 0 done, 1 failed or problems found, 2 wrong usage.
`;
}

/** `gatehouse COMMAND --help`. */
export function commandHelp(text: CommandText, flags: readonly Flag<unknown>[]): string {
  const { name: positional, help } = text.positionals;
  const examples = text.examples.map(([comment, line]) => `  # ${comment}\n  ${line}`);
  return [
    `Usage: gatehouse ${text.name}${flags.length === 0 ? '' : ' [FLAGS]'}${usageOf(text)}`,
    wrap(text.description, 0),
    ...(positional === '' ? [] : [`${positional}\n${wrap(help, INDENT)}`]),
    `Examples:\n${examples.join('\n\n')}`,
    `Flags:\n${flags.map(flagHelp).join('\n')}\n  -h, --help\n${wrap('Show this.', INDENT)}`,
  ]
    .join('\n\n')
    .concat('\n');
}

function usageOf(text: CommandText): string {
  const { name, least, most } = text.positionals;
  if (name === '') return '';
  return ` ${least === 0 ? `[${name}]` : name}${most > 1 ? '...' : ''}`;
}

function flagHelp(flag: Flag<unknown>): string {
  const short = flag.short === null ? '' : `-${flag.short}, `;
  const value = flag.placeholder === '' ? '' : ` ${flag.placeholder}`;
  const repeated = flag.arity === 'many' ? ' ...' : '';
  const notes = [flag.defaultText === null ? '' : `Default: ${flag.defaultText}.`, `Environment: ${environmentTwin(flag)}.`];
  return `  ${short}--${flag.name}${value}${repeated}\n${wrap(`${flag.help} ${notes.filter((note) => note !== '').join(' ')}`, INDENT)}`;
}

/** Breaks text into lines of at most WIDTH columns; line breaks that are there already stay. */
function wrap(text: string, indent: number): string {
  return text
    .split('\n')
    .map((paragraph) => wrapParagraph(paragraph, indent))
    .join('\n');
}

function wrapParagraph(paragraph: string, indent: number): string {
  const margin = ' '.repeat(indent);
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(margin + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, margin + line].join('\n').trimEnd();
}
