import { accept, refuse, type Parsed } from './parsed.ts';

const MAX_PATHS = 64;

/** URL paths between commas, each beginning with `/`. Empty text is an empty list. */
export function parsePathList(text: string): Parsed<readonly string[]> {
  const paths = text.split(',').map((path) => path.trim()).filter((path) => path !== '');
  const fine = paths.length <= MAX_PATHS && paths.every((path) => /^\/[\x21-\x7e]*$/.test(path));
  return fine ? accept(paths) : refuse(`must be at most ${MAX_PATHS} paths between commas, each beginning with "/"`);
}
