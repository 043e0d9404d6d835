import assert from 'node:assert/strict';
import { test } from 'node:test';
import { many, one, toggle } from './flag.ts';
import { parseArguments, type Environment, type FlagValues } from './parseArguments.ts';
import { duration, headerField, integer, listenAddress, text } from './values.ts';

const TABLE = {
  http: many('http', listenAddress, { placeholder: 'ADDR:PORT', help: 'Where.' }),
  paths: many('manifests', text('a path'), { placeholder: 'PATH', help: 'What.', splitsFlag: false }),
  headers: many('header', headerField, { short: 'H', placeholder: 'H', help: 'Header.', separator: '\n', splitsFlag: false }),
  workers: one('workers', integer(1, 8), () => 4, { placeholder: 'N', help: 'How many.' }),
  drainTimeout: one('drain-timeout', duration, () => null, { placeholder: 'D', help: 'How long.' }),
  anyClass: toggle('any-class', true, 'All.'),
};

const NO_WORDS = { name: '', least: 0, most: 0 };

function values(argv: readonly string[], environment: Environment = {}): FlagValues<typeof TABLE> {
  const parsed = parseArguments(argv, environment, TABLE, NO_WORDS);
  assert.equal(parsed.type, 'values', JSON.stringify(parsed));
  return parsed.type === 'values' ? parsed.flags : assert.fail();
}

function wrong(argv: readonly string[], environment: Environment = {}): string {
  const parsed = parseArguments(argv, environment, TABLE, NO_WORDS);
  return parsed.type === 'wrong' ? parsed.message : assert.fail(`accepted ${argv.join(' ')}`);
}

test('without arguments every flag has its default', () => {
  assert.deepEqual(values([]), { http: [], paths: [], headers: [], workers: 4, drainTimeout: null, anyClass: true });
});

test('values are taken from the next word or after an equals sign, and a list flag may be repeated', () => {
  const flags = values(['--http', '127.0.0.1:1', '--http=[::1]:2,[::1]:3', '--workers=2', '--drain-timeout', '5s', '-H', 'a: 1, 2', '-H', 'b: 3']);
  assert.deepEqual(flags.http.map(({ port }) => port), [1, 2, 3]);
  assert.deepEqual(flags.headers, [['a', '1, 2'], ['b', '3']]);
  assert.equal(flags.workers, 2);
  assert.equal(flags.drainTimeout, 5000);
});

test('the last value of a flag that is given twice counts', () => {
  assert.equal(values(['--workers', '1', '--workers', '2']).workers, 2);
});

test('a path may hold a comma on the command line; in the environment a comma parts two', () => {
  assert.deepEqual(values(['--manifests', 'a,b']).paths, ['a,b']);
  assert.deepEqual(values([], { GATEHOUSE_MANIFESTS: 'a,b' }).paths, ['a', 'b']);
});

test('a toggle is switched on and off', () => {
  assert.equal(values(['--any-class']).anyClass, true);
  assert.equal(values(['--any-class=false']).anyClass, false);
  assert.equal(values([], { GATEHOUSE_ANY_CLASS: 'false' }).anyClass, false);
  assert.match(wrong(['--any-class=no']), /--any-class must be "true" or "false" \(got "no"\)/);
});

test('the environment twin is used when the flag is not given, and an empty one counts as not set', () => {
  assert.equal(values([], { GATEHOUSE_WORKERS: '3' }).workers, 3);
  assert.equal(values(['--workers', '2'], { GATEHOUSE_WORKERS: '3' }).workers, 2);
  assert.equal(values([], { GATEHOUSE_WORKERS: '' }).workers, 4);
  assert.deepEqual(values([], { GATEHOUSE_HEADER: 'a: 1, 2\nb: 3' }).headers, [['a', '1, 2'], ['b', '3']]);
});

test('a bad value is refused with where it was given, the form and the value', () => {
  assert.equal(wrong(['--workers', '99']), '--workers must be a whole number from 1 to 8 (got "99")');
  assert.equal(wrong([], { GATEHOUSE_WORKERS: 'many' }), 'GATEHOUSE_WORKERS must be a whole number from 1 to 8 (got "many")');
  assert.match(wrong(['--http', '::1:80']), /^--http must be ADDR:PORT .* \(got "::1:80"\)$/);
  assert.match(wrong(['--http', '127.0.0.1:1,nonsense']), /got "nonsense"/);
});

test('an unknown flag is refused with the nearest right one', () => {
  assert.equal(wrong(['--htpp', 'x']), 'unknown flag --htpp; did you mean --http?');
  assert.equal(wrong(['--drain-timout=1s']), 'unknown flag --drain-timout; did you mean --drain-timeout?');
  assert.equal(wrong(['--frobnicate']), 'unknown flag --frobnicate');
  assert.match(wrong(['--__proto__']), /unknown flag/);
  assert.match(wrong(['-x']), /unknown flag -x/);
});

test('a flag without its value is refused, also when another flag follows', () => {
  assert.equal(wrong(['--workers']), '--workers needs a value: --workers N');
  assert.equal(wrong(['--workers', '--any-class']), '--workers needs a value: --workers N');
});

test('words beside the flags are counted', () => {
  const paths = { name: 'PATH', least: 1, most: 2 };
  const parse = (argv: readonly string[]): object => parseArguments(argv, {}, TABLE, paths);
  assert.deepEqual(parse([]), { type: 'wrong', message: 'PATH is missing' });
  assert.deepEqual(parse(['a', 'b', 'c']), { type: 'wrong', message: 'unexpected argument "c"' });
  assert.deepEqual(parse(['']), { type: 'wrong', message: 'PATH must not be empty' });
  const parsed = parseArguments(['a', '--workers', '1', '--', '--b'], {}, TABLE, paths);
  assert.deepEqual(parsed.type === 'values' ? parsed.positionals : null, ['a', '--b']);
});

test('help is asked for by --help and -h wherever they stand', () => {
  assert.deepEqual(parseArguments(['--workers', '1', '--help'], {}, TABLE, NO_WORDS), { type: 'help' });
  assert.deepEqual(parseArguments(['-h'], {}, TABLE, NO_WORDS), { type: 'help' });
});
