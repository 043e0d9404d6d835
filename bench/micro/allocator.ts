/**
 * Milliseconds and memory that the allocator takes for 100,000 Services: from nothing, after one change, and again on the very
 * same objects; with addresses asked for by value, shared, of two families, of pools that are pinned or drained, when the pool is
 * too small, and when nobody's wish to move can be met.
 */
import { allocate, type AllocationResult } from '../../controller/allocator/allocate.ts';
import { ORDINARY } from '../../controller/allocator/testing/given.ts';
import { namespaceOf, pool, selecting, service, type ServiceFields } from '../../controller/allocator/testing/objects.ts';
import type { Assignments } from '../../controller/allocator/assignment.ts';
import type { IPAddressPool } from '../../controller/model/addressPool.ts';
import type { Service } from '../../controller/model/service.ts';

const SERVICES = 100_000;
const ROUNDS = 3;
const MIB = 1024 * 1024;
const NONE: Assignments = new Map();
const TEAMS = 97;
const NAMESPACES = Array.from({ length: TEAMS }, (_, team) => namespaceOf(`team-${team}`, { team: `${team}`, tier: `${team % 3}` }));

function servicesOf(fields: (index: number) => ServiceFields): Service[] {
  return Array.from({ length: SERVICES }, (_, index) => service(`team-${index % TEAMS}/web-${index}`, fields(index)));
}

/** Live octets, once what is garbage is gone. */
function liveBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function run(pools: readonly IPAddressPool[], services: readonly Service[], previous: Assignments): AllocationResult {
  return allocate({ ...ORDINARY, namespaces: NAMESPACES, pools, services, previous });
}

/** Median of rounds, each with Services the allocator has not seen. */
function bench(name: string, pools: readonly IPAddressPool[], fields: (index: number) => ServiceFields): void {
  const firstMs: number[] = [];
  const changedMs: number[] = [];
  const sameMs: number[] = [];
  let live = 0;
  let given = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const services = servicesOf(fields);
    const before = liveBytes();
    let startMs = performance.now();
    const first = run(pools, services, NONE);
    firstMs.push(performance.now() - startMs);
    live = liveBytes() - before;
    given = first.assignments.size;
    const changed = [...services.slice(1), service('team-0/web-new', fields(0))];
    startMs = performance.now();
    const second = run(pools, changed, first.assignments);
    changedMs.push(performance.now() - startMs);
    run(pools, changed, second.assignments);
    startMs = performance.now();
    run(pools, changed, second.assignments);
    sameMs.push(performance.now() - startMs);
  }
  const times = [firstMs, changedMs, sameMs].map((all) => all.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN);
  const row = [...times.map((ms) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`), `${(live / MIB).toFixed(0)} MiB`, `${given}`];
  console.log(`${name.padEnd(36)}${row.map((cell) => cell.padStart(14)).join('')}`);
}

{
  const services = servicesOf(() => ({}));
  liveBytes();
  const before = process.memoryUsage.rss();
  const startMs = performance.now();
  const { assignments } = run([pool('large', ['10.0.0.0/8'])], services, NONE);
  const ms = performance.now() - startMs;
  const grown = (process.resourceUsage().maxRSS * 1024 - before) / MIB;
  console.log(
    `cold: ${assignments.size} addresses in ${ms.toFixed(0)} ms; the process grew by at most ${grown.toFixed(0)} MiB\n`,
  );
}

console.log(
  `${`${SERVICES} Services`.padEnd(36)}${['from nothing', 'one change', 'same again', 'result', 'given'].map((cell) => cell.padStart(14)).join('')}`,
);
const large = pool('large', ['10.0.0.0/8', '2001:db8::/64']);
bench('IPv4', [large], () => ({}));
bench('IPv6', [large], () => ({ ipFamilies: ['IPv6'] }));
bench('both families', [large], () => ({ ipFamilyPolicy: 'RequireDualStack' }));
bench('asked for by value', [large], (index) => ({
  loadBalancerIP: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
}));
bench('one key, ports all differ', [large], (index) => ({
  annotations: { 'gatehouse.dev/allow-shared-ip': 'a' },
  ports: [`${index < 65_000 ? 'TCP' : 'UDP'}/${1 + (index % 65_000)}`],
}));
bench('one key, one port', [large], () => ({ annotations: { 'gatehouse.dev/allow-shared-ip': 'a' } }));
bench('pool too small', [pool('small', ['10.0.0.0/24'])], () => ({}));
bench(
  '1,000 pools of 128',
  Array.from({ length: 1_000 }, (_, index) => pool(`p${index}`, [`10.${index >> 8}.${index & 255}.0/25`])),
  () => ({}),
);
bench(
  '97 pools pinned to namespaces',
  NAMESPACES.map(({ metadata: { name } }, index) => pool(name, [`10.${index}.0.0/16`], { serviceAllocation: { namespaces: [name] } })),
  () => ({}),
);
bench(
  '97 pools by selectors of both kinds',
  NAMESPACES.map(({ metadata: { name } }, index) =>
    pool(name, [`10.${index}.0.0/16`], {
      serviceAllocation: {
        priority: index,
        namespaceSelectors: [selecting({ team: `${index}`, tier: `${index % 3}` })],
        serviceSelectors: [selecting({ app: 'web' }), selecting({ app: 'api' })],
      },
    }),
  ),
  (index) => ({ labels: { app: index % 2 === 0 ? 'web' : 'api', instance: `web-${index}` } }),
);
bench(
  '1,000 addresses kept, an old pool drained',
  [
    pool('old', ['10.1.0.0/16'], { drain: true, createdAtMs: 1 }),
    pool('new', ['10.2.0.0/15'], {
      reserved: Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`10.2.${index >> 8}.${index & 255}`, `team-0/kept-${index}`])),
    }),
  ],
  (index) => ({ statusAddresses: index < 50_000 ? [`10.1.${(index >> 8) & 255}.${index & 255}`] : [] }),
);
bench('all ask for what none can have', [large], (index) => ({
  annotations: { 'metallb.io/loadBalancerIPs': '10.255.255.255' },
  statusAddresses: [`10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`],
}));
