import { accept, refuse, type ValueParser } from './parsed.ts';

/** One of the given words, written in any case. `hint` is added to the rule when none matches. */
export function oneOf<const T extends string>(words: readonly T[], hint = ''): ValueParser<T> {
  const byLowerCase = new Map(words.map((word) => [word.toLowerCase(), word]));
  const rule = words.length === 1 ? `must be ${words[0]}` : `must be one of ${words.join(', ')}`;
  return (text) => {
    const word = byLowerCase.get(text.trim().toLowerCase());
    return word === undefined ? refuse(`${rule}${hint}`) : accept(word);
  };
}

/** One of the given numbers, written in decimal. */
export function oneOfNumbers<const T extends number>(numbers: readonly T[]): ValueParser<T> {
  const byText = new Map(numbers.map((number) => [String(number), number]));
  return (text) => {
    const number = byText.get(text.trim());
    return number === undefined ? refuse(`must be one of ${numbers.join(', ')}`) : accept(number);
  };
}
