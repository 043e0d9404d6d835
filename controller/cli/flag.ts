/** Outcome of reading one value: the value, or the form that was expected, in words that follow "must be". */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

/** Reads one value as a user writes it. Never throws. */
export type ParseValue<T> = (text: string) => Parsed<T>;

/** Outcome of reading everything given for one flag; a refusal names the text that broke the rule. */
export type FlagReading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly text: string; readonly expected: string };

/** One flag of a command: a row of the table from which parsing, help and environment twin all come. */
export interface Flag<T> {
  /** Without the dashes: `drain-timeout`. */
  readonly name: string;
  /** One letter, or null. */
  readonly short: string | null;
  /** A toggle stands alone or as `--name=false`; the others take a value; `many` may be repeated. */
  readonly arity: 'toggle' | 'one' | 'many';
  /** Stands for the value in help: `ADDR:PORT`. Empty for a toggle. */
  readonly placeholder: string;
  readonly help: string;
  /** The default in words, for help; null: none. */
  readonly defaultText: string | null;
  /** Parts the environment twin's text into values; also the flag's own text when `splitsFlag` is set. */
  readonly separator: ',' | '\n';
  readonly splitsFlag: boolean;
  /** The value when neither flag nor environment twin is given. */
  readonly fallback: () => T;
  /** The value of one or more texts, in the order given. */
  read(texts: readonly string[]): FlagReading<T>;
}

interface FlagText {
  readonly help: string;
  readonly short?: string;
  readonly placeholder: string;
  /** Shown in help; left out: no default is shown. */
  readonly defaultText?: string;
}

/** A flag with one value; given again, the last one counts, so that a wrapper's flags can be overridden. */
export function one<T, F = T>(name: string, parse: ParseValue<T>, fallback: () => F, text: FlagText): Flag<T | F> {
  return {
    ...describe(name, text),
    arity: 'one',
    separator: ',',
    splitsFlag: false,
    fallback,
    read(texts) {
      const last = texts.at(-1) ?? '';
      const parsed = parse(last);
      return parsed.ok ? parsed : { ok: false, text: last, expected: parsed.expected };
    },
  };
}

/** A flag that may be repeated. `separator` parts several values in the environment twin, and a comma does so in the flag too. */
export function many<T>(
  name: string,
  parse: ParseValue<T>,
  text: FlagText & { readonly fallback?: () => readonly T[]; readonly separator?: ',' | '\n'; readonly splitsFlag?: boolean },
): Flag<readonly T[]> {
  return {
    ...describe(name, text),
    arity: 'many',
    separator: text.separator ?? ',',
    splitsFlag: text.splitsFlag ?? true,
    fallback: text.fallback ?? (() => []),
    read(texts) {
      const values: T[] = [];
      for (const value of texts) {
        const parsed = parse(value);
        if (!parsed.ok) return { ok: false, text: value, expected: parsed.expected };
        values.push(parsed.value);
      }
      return { ok: true, value: values };
    },
  };
}

/** A flag that is on or off: `--name`, `--name=true`, `--name=false`. */
export function toggle(name: string, fallback: boolean, help: string): Flag<boolean> {
  return switchWith(name, () => fallback, { help, defaultText: fallback ? 'on' : 'off' });
}

/** The same for one whose default depends on other flags: null when nothing is said. */
export function openToggle(name: string, help: string, defaultText: string): Flag<boolean | null> {
  return switchWith(name, () => null, { help, defaultText });
}

function switchWith<F>(name: string, fallback: () => F, text: Pick<FlagText, 'help' | 'defaultText'>): Flag<boolean | F> {
  return {
    ...describe(name, { ...text, placeholder: '' }),
    arity: 'toggle',
    separator: ',',
    splitsFlag: false,
    fallback,
    read(texts) {
      const last = texts.at(-1) ?? '';
      if (last === 'true') return { ok: true, value: true };
      if (last === 'false') return { ok: true, value: false };
      return { ok: false, text: last, expected: '"true" or "false"' };
    },
  };
}

/** The environment variable that does what the flag does: `GATEHOUSE_DRAIN_TIMEOUT` for `drain-timeout`. */
export function environmentTwin(flag: Pick<Flag<unknown>, 'name'>): string {
  return `GATEHOUSE_${flag.name.replaceAll('-', '_').toUpperCase()}`;
}

function describe(name: string, text: FlagText): Pick<Flag<unknown>, 'name' | 'short' | 'placeholder' | 'help' | 'defaultText'> {
  return { name, short: text.short ?? null, placeholder: text.placeholder, help: text.help, defaultText: text.defaultText ?? null };
}
