import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../../../../core/testing/random.ts';
import { expectedRoutes, isUp } from './oracle.ts';
import {
  ADVERTISEMENT, ADVERTISEMENTS, ALIASES, COMMUNITY_TEXTS, NOISE, PLANS, RANGES, SERVICES, SESSIONS, type AdvertisementState, type PeerState,
  type ServiceState, type SessionName, type World,
} from './world.ts';

/** What is done to the objects at once: `worlds` are written one after the other, and only then it is looked what routers make of it. */
export interface Step {
  /** For people. */
  readonly what: string;
  readonly worlds: readonly World[];
}

interface Change {
  readonly what: string;
  readonly world: World;
}

type Draw = (world: World, random: Random) => World;

const ATTEMPTS = 1_000;
/** Out of 100: how often what is away is brought back before anything else is changed. */
const MENDED_PERCENT = 50;
/** Out of 100: how many changes that no router can see are drawn anew. */
const TELLING_PERCENT = 80;

/** One change, or several in one write, or in as many. */
export function drawStep(world: World, random: Random): Step {
  const count = random.pick([1, 1, 1, 2, 3]);
  const changes = [drawChange(world, random)];
  while (changes.length < count) {
    const last = changes.at(-1)?.world ?? world;
    const next = drawChange(last, random);
    changes.push(endsBfd(world, last) || endsBfd(last, next.world) ? { what: 'no more', world: last } : next);
  }
  const isOneWrite = random.integer(2) === 0;
  const worlds = changes.map((change) => change.world);
  return { what: changes.map(({ what }) => what).join(isOneWrite ? ' and ' : '; then '), worlds: isOneWrite ? worlds.slice(-1) : worlds };
}

/** Draws one that changes something. Objects that contradict each other are left out: what is announced of them is not said. */
function drawChange(world: World, random: Random): Change {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const what = isWhole(world) || random.integer(100) >= MENDED_PERCENT ? random.pick(WEIGHTED) : 'mend';
    const next = DRAWS[what](world, random);
    if (isDeepStrictEqual(next, world) || contradicts(next) || endsBfdBeside(world, next)) continue;
    if (!FOR_ITSELF.has(what) && !changesRoutes(world, next) && random.integer(100) < TELLING_PERCENT) continue;
    return { what: `${what}: ${differences(world, next)}`, world: next };
  }
  throw new Error('nothing can be changed');
}

/** What ends in a world where nobody has a route any more teaches nothing. */
function changesRoutes(before: World, after: World): boolean {
  const [one, other] = [before, after].map((world) => SESSIONS.map((name) => expectedRoutes(world, name)));
  return !isDeepStrictEqual(one, other) && other?.some((routes) => routes.length > 0) === true;
}

function isWhole(world: World): boolean {
  return !world.excluded && SESSIONS.every((name) => isUp(world, name));
}

/** Kinds of changes. What one answers may be the world as it was: then another is drawn. */
const DRAWS = {
  mend: (world, random) => {
    const down = SESSIONS.filter((name) => !isUp(world, name));
    if (world.excluded && (down.length === 0 || random.integer(2) === 0)) return { ...world, excluded: false };
    if (down.length === 0) return world;
    return withPeer(world, random.pick(down), (peer) => ({
      ...peer, exists: true, shutdown: false, zone: null,
      ...(peer.peerAsn === 'wrong' ? { peerAsn: random.pick(['number', 'dynamic']) } : {}),
      ...(peer.password === 'wrong' ? { password: 'object' } : {}),
    }));
  },
  openedAnew: (world, random) => withPeer(world, random.pick(SESSIONS), (peer, name) => random.pick<() => PeerState>([
    () => ({ ...peer, holdTimeS: random.pick([9, 12, 18]) }),
    () => ({ ...peer, addPathSend: random.pick([0, 2]) }),
    () => (PLANS[name].internal ? peer : { ...peer, role: random.pick(['customer', 'provider', null]) }),
    () => (PLANS[name].mayRestartGracefully ? { ...peer, gracefulRestart: !peer.gracefulRestart } : peer),
  ])()),
  live: (world, random) => withPeer(world, random.pick(SESSIONS), (peer, name) => random.pick<() => PeerState>([
    () => ({ ...peer, connectTimeS: random.pick([1, 2]) }),
    () => ({ ...peer, connectMode: random.pick(['active', 'both']) }),
    () => (peer.zone === null || peer.zone === world.zone ? { ...peer, zone: random.pick([null, world.zone]) } : peer),
    () => (PLANS[name].hasPassword && peer.password !== 'wrong' ? { ...peer, password: random.pick(['object', 'secret']) } : peer),
    () => (peer.addPathSend === 0 ? peer : { ...peer, addPathSend: random.pick([2, 3]) }),
    () => (peer.peerAsn === 'wrong' ? peer : { ...peer, peerAsn: random.pick(['number', 'dynamic']) }),
    () => (PLANS[name].internal ? peer : { ...peer, bfdProfile: random.pick(['fast', 'slow']) }),
  ])()),
  withoutBfd: (world, random) => withPeer(world, random.pick(SESSIONS), (peer) => ({ ...peer, bfdProfile: null })),
  ended: (world, random) => withPeer(world, random.pick(SESSIONS), (peer, name) => random.pick<() => PeerState>([
    () => ({ ...peer, exists: false }),
    () => ({ ...peer, shutdown: true }),
    () => ({ ...peer, zone: world.zone === 'a' ? 'b' : 'a' }),
    () => ({ ...peer, peerAsn: 'wrong' }),
    () => (PLANS[name].hasPassword ? { ...peer, password: 'wrong' } : peer),
  ])()),
  advertisement: (world, random) => {
    const names = Object.keys(world.advertisements);
    if (names.length === 0) return world;
    const name = random.pick(names);
    const state = world.advertisements[name] ?? ADVERTISEMENT;
    return withAdvertisement(world, name, changedAdvertisement(state, random));
  },
  /** Of all that may meet, as they must not contradict each other. */
  attribute: (world, random) => {
    const change = random.pick<() => Partial<AdvertisementState>>([
      () => ({ localPref: random.pick([null, 100, 200, 4_000_000_000]) }), () => ({ med: random.pick([null, 0, 30, 4_294_967_295]) }),
      () => ({ asPathPrepend: random.integer(3) }), () => ({ linkBandwidth: random.integer(2) === 0 }),
    ])();
    const first = random.pick(Object.keys(world.advertisements).concat('none'));
    const group = meeting(world, first);
    return group.reduce((all, name) => withAdvertisement(all, name, { ...all.advertisements[name] ?? ADVERTISEMENT, ...change }), world);
  },
  newAdvertisement: (world, random) => {
    const attributes = random.pick([ADVERTISEMENT, ...Object.values(world.advertisements)]);
    return withAdvertisement(world, random.pick(ADVERTISEMENTS), changedAdvertisement(changedAdvertisement(attributes, random), random));
  },
  noAdvertisement: (world, random) => {
    const name = random.pick(ADVERTISEMENTS);
    return { ...world, advertisements: Object.fromEntries(Object.entries(world.advertisements).filter(([each]) => each !== name)) };
  },
  alias: (world, random) => {
    if (random.integer(3) === 0) return { ...world, aliasesTogether: !world.aliasesTogether };
    return { ...world, aliases: { ...world.aliases, [random.pick(ALIASES)]: random.pick(['64500:100', '64500:101', 'large:64500:7:7', '64500:7']) } };
  },
  pool: (world, random) => {
    const name = random.pick(['bgp', 'blocks'] as const);
    return { ...world, pools: { ...world.pools, [name]: random.pick([null, ...RANGES[name], ...RANGES[name]]) } };
  },
  service: (world, random) => {
    const name = random.pick(SERVICES);
    return { ...world, services: { ...world.services, [name]: {
      local: random.integer(2) === 0, here: random.pick([0, 1, 1, 2]), elsewhere: random.pick([0, 1]), unready: false,
      tier: random.pick(['front', 'back']),
    } } };
  },
  endpoints: (world, random) => {
    const name = random.pick(SERVICES);
    const state = world.services[name];
    if (state === undefined) return world;
    const next = random.pick<Partial<ServiceState>>([
      { local: !state.local }, { here: 0 }, { here: 1 }, { here: 2 }, { elsewhere: state.elsewhere === 0 ? 1 : 0 },
      { unready: !state.unready }, { tier: state.tier === 'front' ? 'back' : 'front' },
    ]);
    return { ...world, services: { ...world.services, [name]: { ...state, ...next } } };
  },
  noService: (world, random) => {
    const name = random.pick(SERVICES);
    return { ...world, services: Object.fromEntries(Object.entries(world.services).filter(([each]) => each !== name)) };
  },
  zone: (world) => ({ ...world, zone: world.zone === 'a' ? 'b' : 'a' }),
  excluded: (world) => ({ ...world, excluded: !world.excluded }),
  unrelated: (world, random) => {
    const name = random.pick(NOISE);
    return { ...world, noise: { ...world.noise, [name]: (world.noise[name] ?? 0) + 1 } };
  },
} as const satisfies Readonly<Record<string, Draw>>;

type Kind = keyof typeof DRAWS;
/** What costs seconds is drawn less often. */
const WEIGHTS: Readonly<Record<Kind, number>> = {
  mend: 0, openedAnew: 4, live: 5, withoutBfd: 2, ended: 3, advertisement: 8, attribute: 8, newAdvertisement: 6, noAdvertisement: 2, alias: 6,
  pool: 3, service: 8, endpoints: 10, noService: 1, zone: 2, excluded: 1, unrelated: 5,
};
/** What is to be seen of these is seen in sessions, or not at all. */
const FOR_ITSELF: ReadonlySet<Kind> = new Set<Kind>(['unrelated', 'live', 'openedAnew', 'withoutBfd', 'ended', 'mend']);
const WEIGHTED = (Object.keys(WEIGHTS) as Kind[]).flatMap((kind) => Array.from({ length: WEIGHTS[kind] }, () => kind));

function withPeer(world: World, name: SessionName, change: (peer: PeerState, name: SessionName) => PeerState): World {
  return { ...world, peers: { ...world.peers, [name]: change(world.peers[name], name) } };
}

function withAdvertisement(world: World, name: string, state: AdvertisementState): World {
  return { ...world, advertisements: { ...world.advertisements, [name]: state } };
}

const POOLS: readonly AdvertisementState['pools'][] = [
  [], ['bgp'], ['blocks'], ['bgp', 'blocks'], ['bgp', 'blocks'], ['missing'], ['blocks', 'missing'],
];

function changedAdvertisement(state: AdvertisementState, random: Random): AdvertisementState {
  const next: AdvertisementState = { ...state, ...random.pick<() => Partial<AdvertisementState>>([
    () => ({ pools: random.pick(POOLS) }),
    () => ({ peers: random.integer(3) === 0 ? [] : SESSIONS.filter(() => random.integer(2) === 0) }),
    () => ({ zone: random.pick([null, 'a', 'b']) }),
    () => ({ tier: random.pick([null, 'front', 'back']) }),
    () => ({ communities: COMMUNITY_TEXTS.filter(() => random.integer(2) === 0) }),
    () => ({ aggregationLength: random.pick([24, 26, 30, 32]), aggregationLengthV6: random.pick([120, 124, 128]) }),
  ])() };
  if (next.tier !== null) return { ...next, aggregationLength: 32, aggregationLengthV6: 128 };
  // A wider network than a pool has is refused; with all pools there are those of the lab, too.
  if (next.pools.length > 0) return next;
  return { ...next, aggregationLength: Math.max(30, next.aggregationLength), aggregationLengthV6: Math.max(124, next.aggregationLengthV6) };
}

/** Whether two may be for the same prefix of the same peer. */
function meet(one: AdvertisementState, other: AdvertisementState): boolean {
  const [pools, peers] = [[one.pools, other.pools], [one.peers, other.peers]].map((pair) => pair.some((list) => list?.length === 0)
    || pair[0]?.some((name) => (pair[1] as readonly string[] | undefined)?.includes(name)));
  return pools === true && peers === true;
}

function contradicts({ advertisements }: World): boolean {
  const all = Object.values(advertisements);
  const attributes = ({ localPref, med, asPathPrepend }: AdvertisementState) => ({ localPref, med, asPathPrepend });
  return all.some((one) => all.some((other) => meet(one, other) && !isDeepStrictEqual(attributes(one), attributes(other))));
}

/** One, and all that it meets, and that those meet. */
function meeting({ advertisements }: World, first: string): readonly string[] {
  const found = new Set([first].filter((name) => name in advertisements));
  for (const name of found) {
    for (const [other, state] of Object.entries(advertisements)) if (meet(state, advertisements[name] ?? state)) found.add(other);
  }
  return [...found];
}

/** Taking BFD away ends a session at the router's own time: beside nothing else, and where there is a session. */
function endsBfd(before: World, after: World): boolean {
  return SESSIONS.some((name) => before.peers[name].bfdProfile !== null && after.peers[name].bfdProfile === null);
}

function endsBfdBeside(before: World, after: World): boolean {
  return endsBfd(before, after) && !(isWhole(before) && isWhole(after));
}

/** What is not as before, as `path: before -> after`. */
function differences(before: unknown, after: unknown, path = ''): string {
  if (isDeepStrictEqual(before, after)) return '';
  if (!isObject(before) || !isObject(after)) return `${path} ${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.map((key) => differences(before[key], after[key], `${path}.${key}`)).filter((text) => text !== '').join(', ');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
