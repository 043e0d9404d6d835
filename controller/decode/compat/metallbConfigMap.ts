import { parseDocument } from 'yaml';
import { METALLB_GROUP } from '../decoding.ts';
import type { Decoded } from '../decodeObject.ts';
import { isPlainMap, type PlainMap } from '../plainMap.ts';
import { decodeOwnForm, notTaken, refused, valueAt } from './foreignObject.ts';
import type { Kind } from '../../model/objects.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** A ConfigMap holds at most this (API: MaxSecretSize). */
const MAX_CONFIG_CHARS = 1024 * 1024;
/** Entries of one list (ours). */
const MAX_ENTRIES = 1000;
/** Aliases may multiply: no configuration needs more. */
const MAX_ALIASES = 100;

/** Of a manifest that names none. */
const DEFAULT_NAMESPACE = 'default';

const LEFT_OUT = 'none of the configuration is taken';

/** Their field → ours; null: read by hand. */
type FieldTable = Readonly<Record<string, string | null>>;

const POOL: FieldTable = {
  name: null,
  protocol: null,
  addresses: 'addresses',
  'auto-assign': 'autoAssign',
  'avoid-buggy-ips': 'avoidBuggyIPs',
  'bgp-advertisements': null,
};
const ADVERTISEMENT: FieldTable = {
  'aggregation-length': 'aggregationLength',
  'aggregation-length-v6': 'aggregationLengthV6',
  localpref: 'localPref',
  communities: 'communities',
};
const PEER: FieldTable = {
  'my-asn': 'myASN',
  'peer-asn': 'peerASN',
  'peer-address': 'peerAddress',
  'source-address': 'sourceAddress',
  'peer-port': 'peerPort',
  'hold-time': 'holdTime',
  'keepalive-time': 'keepaliveTime',
  'router-id': 'routerID',
  'node-selectors': null,
  password: 'password',
  'bfd-profile': 'bfdProfile',
  'ebgp-multihop': 'ebgpMultiHop',
};
const BFD_PROFILE: FieldTable = {
  name: null,
  'receive-interval': 'receiveInterval',
  'transmit-interval': 'transmitInterval',
  'detect-multiplier': 'detectMultiplier',
  'echo-interval': 'echoInterval',
  'echo-mode': 'echoMode',
  'passive-mode': 'passiveMode',
  'minimum-ttl': 'minimumTtl',
};
const SECTIONS = ['address-pools', 'peers', 'bgp-communities', 'bfd-profiles'];

/**
 * MetalLB's form of before 0.13: the YAML under `config` of one ConfigMap. Pools carry their protocol and advertisements, here
 * objects of their own, named after the pool; peers have no name, here `peer-1` and so on, in the order of the list.
 */
export function decodeMetallbConfigMap(value: unknown): readonly Decoded[] {
  const text = valueAt(value, 'data', 'config');
  if (typeof text !== 'string' || text.length > MAX_CONFIG_CHARS) return [failed('data.config', 'must be a text of at most 1 MiB')];
  const config = parseConfig(text);
  if (!isPlainMap(config)) return [failed('data.config', 'must be a YAML map')];
  const written = valueAt(value, 'metadata', 'namespace');
  const namespace = typeof written === 'string' && written !== '' ? written : DEFAULT_NAMESPACE;
  const make = (own: Own): Decoded => decodeEntry(own, namespace);
  const unknown = Object.keys(config).filter((key) => !SECTIONS.includes(key)).slice(0, 20);
  const pools = namedOnce(config, 'address-pools');
  const profiles = namedOnce(config, 'bfd-profiles');
  const names = new Set(pools.entries.map(([, pool]) => valueAt(pool, 'name')));
  return [
    ...faultyLists(config, ['address-pools', 'peers', 'bfd-profiles'], 'data.config').map(asDecoded),
    ...unknown.map((key) => asDecoded(notTaken(`data.config: ${key.slice(0, 60)}`, 'it is ignored'))),
    ...[...pools.problems, ...profiles.problems].map(asDecoded),
    ...pools.entries.flatMap(([index, pool]) => decodePool(pool, { index, names }, make)),
    ...listOf(config, 'peers').map((peer, index) => make(peerForm(peer, index))),
    ...profiles.entries.map(([index, profile]) =>
      make({ kind: 'BFDProfile', name: valueAt(profile, 'name'), from: profile, path: `bfd-profiles[${index}]`, table: BFD_PROFILE }),
    ),
    ...decodeCommunities(config['bgp-communities'], make),
  ];
}

/** Entries of a list with their places; of those with one name only the first, as each is to be an object of that name. */
function namedOnce(config: PlainMap, key: string): { readonly entries: readonly (readonly [number, unknown])[]; readonly problems: readonly Problem[] } {
  const seen = new Set<unknown>();
  const entries: (readonly [number, unknown])[] = [];
  const problems: Problem[] = [];
  for (const [index, entry] of listOf(config, key).entries()) {
    const name = valueAt(entry, 'name');
    if (typeof name === 'string' && seen.has(name)) {
      problems.push(refused(`data.config: ${key}[${index}].name`, 'must differ from the other names', 'the entry is left out; the first of that name counts'));
      continue;
    }
    seen.add(name);
    entries.push([index, entry]);
  }
  return { entries, problems };
}

/** One object to be made of an entry. */
interface Own {
  readonly kind: Kind;
  readonly name: unknown;
  readonly from: unknown;
  /** Of the entry in the configuration. */
  readonly path: string;
  readonly table: FieldTable;
  readonly more?: PlainMap;
}

function decodeEntry({ kind, name, from, path, table, more = {} }: Own, namespace: string): Decoded {
  const taken = Object.entries(table).flatMap(([theirs, ours]) => {
    const value = ours === null ? undefined : valueAt(from, theirs);
    return ours === null || value === undefined ? [] : [[ours, value] as const];
  });
  const unknown = isPlainMap(from) ? Object.keys(from).filter((key) => !Object.hasOwn(table, key)).slice(0, 20) : [];
  const fields = Object.entries(table).flatMap(([theirs, ours]): [string, string][] =>
    ours === null ? [] : [[`spec.${ours}`, `data.config: ${path}.${theirs}`]],
  );
  return decodeOwnForm(
    {
      kind,
      group: METALLB_GROUP,
      metadata: { name, namespace },
      spec: { ...Object.fromEntries(taken), ...more },
      fields: [...fields, ['spec.nodeSelectors', `data.config: ${path}.node-selectors`], ['metadata.name', `data.config: ${path}.name`], ['spec', `data.config: ${path}`]],
      problems: unknown.map((key) => notTaken(`data.config: ${path}.${key.slice(0, 60)}`, 'it is ignored')),
    },
    namespace,
  );
}

/** `names` are those of all pools. */
function decodePool(pool: unknown, { index, names }: { readonly index: number; readonly names: Set<unknown> }, make: (own: Own) => Decoded): Decoded[] {
  const path = `address-pools[${index}]`;
  const name = valueAt(pool, 'name');
  const decoded = make({ kind: 'IPAddressPool', name, from: pool, path, table: POOL });
  const protocol = valueAt(pool, 'protocol');
  const more = { ipAddressPools: [name] };
  if (decoded.object === null) return [decoded, ...advertisementsStay(decoded)];
  if (protocol === 'layer2' || protocol === 'l2') {
    return [decoded, make({ kind: 'L2Advertisement', name, from: {}, path, table: {}, more })];
  }
  if (protocol !== 'bgp') {
    const problem = refused(`data.config: ${path}.protocol`, 'must be layer2 or bgp', 'addresses of the pool are not announced');
    return [{ ...decoded, problems: [...decoded.problems, { ...problem, object: decoded.ref }] }, ...advertisementsStay(decoded)];
  }
  const advertisements = listOf(pool, 'bgp-advertisements');
  const faulty = faultyLists(pool, ['bgp-advertisements'], `data.config: ${path}`);
  if (faulty.length > 0) return [{ ...decoded, problems: [...decoded.problems, ...faulty] }, ...advertisementsStay(decoded)];
  if (advertisements.length === 0) return [decoded, make({ kind: 'BGPAdvertisement', name, from: {}, path, table: {}, more })];
  const made = advertisements.map((advertisement, place) =>
    make({
      kind: 'BGPAdvertisement',
      name: place === 0 ? name : unusedName(String(name), place + 1, names),
      from: advertisement,
      path: `${path}.bgp-advertisements[${place}]`,
      table: ADVERTISEMENT,
      more,
    }),
  );
  return [decoded, ...made];
}

/** `name-2`, or a number more where a pool has that name, whose advertisement would have it too; from then on it is taken. */
function unusedName(name: string, number: number, names: Set<unknown>): string {
  let next = number;
  while (names.has(`${name}-${next}`)) next += 1;
  names.add(`${name}-${next}`);
  return `${name}-${next}`;
}

/** A fault of the pool must not cost the last good form of what announces it. */
function advertisementsStay({ ref }: Decoded): Decoded[] {
  if (ref === null) return [];
  return ['L2Advertisement', 'BGPAdvertisement'].map((kind) => ({ object: null, ref: { ...ref, kind }, problems: [] }));
}

function peerForm(peer: unknown, index: number): Own {
  const written = valueAt(peer, 'node-selectors');
  const more = written === undefined ? {} : { nodeSelectors: Array.isArray(written) ? written.map(selectorForm) : written };
  return { kind: 'BGPPeer', name: `peer-${index + 1}`, from: seconds(peer), path: `peers[${index}]`, table: PEER, more };
}

function selectorForm(selector: unknown): unknown {
  if (!isPlainMap(selector)) return selector;
  return { matchLabels: selector['match-labels'] ?? {}, matchExpressions: selector['match-expressions'] ?? [] };
}

/** The oldest examples write `hold-time: 120`. */
function seconds(peer: unknown): unknown {
  const hold = valueAt(peer, 'hold-time');
  return isPlainMap(peer) && typeof hold === 'number' ? { ...peer, 'hold-time': `${hold}s` } : peer;
}

function decodeCommunities(communities: unknown, make: (own: Own) => Decoded): Decoded[] {
  if (communities === undefined || communities === null) return [];
  if (!isPlainMap(communities)) return [failed('data.config: bgp-communities', 'must be a map')];
  const more = { communities: Object.entries(communities).map(([name, value]) => ({ name, value })) };
  return [make({ kind: 'Community', name: 'communities', from: {}, path: 'bgp-communities', table: {}, more })];
}

/** Lists that are none, or too long to be taken. */
function faultyLists(map: unknown, keys: readonly string[], path: string): Problem[] {
  return keys.flatMap((key) => {
    const value = valueAt(map, key);
    const usable = value === undefined || (Array.isArray(value) && value.length <= MAX_ENTRIES);
    return usable ? [] : [refused(`${path}.${key}`, `must be a list of at most ${MAX_ENTRIES} entries`, 'none of it is taken')];
  });
}

function listOf(map: unknown, key: string): readonly unknown[] {
  const value = valueAt(map, key);
  return Array.isArray(value) && value.length <= MAX_ENTRIES ? value : [];
}

function parseConfig(text: string): unknown {
  const document = parseDocument(text, { schema: 'core', uniqueKeys: true });
  if (document.errors.length > 0) return null;
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
  } catch (error) {
    // Aliases beyond the bound; the caller reports it.
    if (error instanceof ReferenceError) return null;
    throw error;
  }
}

function failed(field: string, rule: string): Decoded {
  return asDecoded(refused(field, rule, LEFT_OUT));
}

function asDecoded(problem: Problem): Decoded {
  return { object: null, ref: null, problems: [problem] };
}
