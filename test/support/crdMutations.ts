import { seededRandom } from '../../core/testing/seededRandom.ts';

/** A whole number below its argument. */
export type Random = (below: number) => number;

/** The same numbers for the same seed. */
export function drawFrom(seed: number): Random {
  const random = seededRandom(seed);
  return (below) => Math.floor(random() * below);
}

/** Values that mean something in some field, and slips of them. */
const VALUES: readonly unknown[] = (
  [
    ['', ' ', 'a', 'A', 'a b', 'a.b', 'a/b', 'a:b', '*', '-', '0', 'x'.repeat(64), 'x'.repeat(300), 'é', 'true'],
    ['10.0.0.0/24', '10.0.0.0/24 ', '10.0.0.0/024', '10.0.0.1', '10.0.0.1-10.0.0.9', '10.0.0.9-10.0.0.1', '10.0.0.1-::1', '010.0.0.1'],
    ['::/0', '::1', '2001:db8::/33', '::ffff:10.0.0.1', 'fe80::1%eth0', '10.0.0.0/24/8', '1-2'],
    ['0s', '1s', '3s', '90s', '1h30m', '1.5s', '999ms', '5m', '1d', '-1s', '1e3s', '100000h', '1µs'],
    ['1:2', '65536:1', 'large:1:2:3', 'large:1:2:3:4', '1:2:3', 'In', 'NotIn', 'Exists', 'DoesNotExist', 'internal', 'external'],
    ['can_reach:10.0.0.1', 'can_reach:x', 'eth0', 'eth0:1', 'shop/web', 'shop/web/x', 'kubernetes.io/hostname', '/a', 'a/'],
    [0, 1, -1, 1.5, 2, 3, 32, 33, 64, 128, 129, 254, 255, 256, 60_000, 60_001, 65_535, 65_536, 4_294_967_295, 4_294_967_296, 2 ** 53],
    [true, false, [], {}, [''], [{}], { a: 'b' }, { 'a b': 'c' }],
  ] as readonly (readonly unknown[])[]
).flat();

/** A copy of an object with one to three changes somewhere in its `spec`. */
export function mutate(value: object, random: Random): object {
  const copy = structuredClone(value);
  const changes = 1 + random(3);
  for (let change = 0; change < changes; change += 1) changeOne(copy, random);
  return copy;
}

function changeOne(root: object, random: Random): void {
  const places = placesIn(Reflect.get(root, 'spec') ?? {});
  const drawn = VALUES[random(VALUES.length)];
  const place = places[random(Math.max(places.length, 1))];
  if (place === undefined) return;
  const { owner, key } = place;
  const kinds = [
    () => Reflect.deleteProperty(owner, key),
    () => Reflect.set(owner, key, structuredClone(drawn)),
    () => Reflect.set(owner, key, structuredClone(drawn)),
    () => (Array.isArray(owner) ? owner.push(structuredClone(drawn)) : Reflect.set(owner, 'strange', drawn)),
    () => Array.isArray(owner) && owner.push(structuredClone(owner[0])),
  ];
  kinds[random(kinds.length)]?.();
  if (Array.isArray(owner)) owner.splice(0, owner.length, ...owner.filter((element) => element !== undefined));
}

function placesIn(value: unknown): { readonly owner: object; readonly key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [{ owner: value, key }, ...placesIn(inner)]);
}

interface Verdicts {
  readonly bySchema: readonly string[];
  readonly byDecoder: readonly string[];
}

/**
 * What the schema cannot say, and the webhook and the decoder do: field and rule of the decoder's fault. Else that which the decoder takes
 * for the sake of manifest files and of objects of MetalLB, and our own definitions refuse: field and rule of the schema's fault.
 */
const ONLY_DECODER: readonly (readonly [RegExp, RegExp])[] = [
  [/^spec\.addresses\[\d+\]$/, /one family|end before it begins/],
  [/^spec\.reserved\[\d+\]\.address$/, /must lie in spec\.addresses|differ from the other reserved/],
  [/[sS]electors\[\d+\]$/, /must differ from the other selectors/],
  [/\.matchLabels\[.*\]$/, /must be "name" or "prefix\/name"/],
  [/^spec\.passwordSecret\.namespace$/, /own namespace|DNS name/],
  [/^spec\.password$/, /at most 80 bytes/],
];
const ONLY_SCHEMA: readonly (readonly [RegExp, RegExp])[] = [
  // Blanks around a CIDR, and zeros before its length.
  [/^spec\.addresses\[\d+\]$/, /must be a CIDR/],
  // Words that Go clients of MetalLB write where nothing is meant.
  [/^spec\.dynamicASN$/, /Unsupported|supported values|notSupported/],
  // Go's time.ParseDuration, and so the real API server, takes "0" without a unit; the CEL library of the tests does not.
  [/Time$/, /Invalid duration string: 0 /],
];

/** True when a difference between the faults found by schema and decoder is a known one. */
export function isKnownDifference({ bySchema, byDecoder }: Verdicts): boolean {
  const known = bySchema.length === 0 ? ONLY_DECODER : ONLY_SCHEMA;
  const faults = bySchema.length === 0 ? byDecoder : bySchema;
  return faults.every((fault) => known.some(([field, rule]) => field.test(fault.slice(0, fault.indexOf(': '))) && rule.test(fault)));
}
