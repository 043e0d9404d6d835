import type { Cluster } from '../../../core/ir/cluster.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import type { Endpoints, EndpointSlice, SlicePort } from '../../model/endpoints.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { problemOf } from '../problemOf.ts';
import { boundedSlices, tooManyAddresses } from './boundedSlices.ts';
import { localJudgeOf, type LocalJudge, type LocalRules } from './localBackend.ts';
import { sliceWeight } from './sliceWeight.ts';

/** What is wrong with the EndpointSlices and Endpoints behind these clusters, each object once however many clusters it serves. */
export function endpointProblems(clusters: Iterable<Cluster>, objects: ObjectIndex, rules: LocalRules): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const { namespace, service } of clusters) {
    const key = `${namespace}/${service}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const slices = objects.slicesOf(namespace, service);
    const legacy = slices.length === 0 ? objects.get('Endpoints', namespace, service) : undefined;
    const owner = objects.get('Service', namespace, service);
    const bound = owner === undefined ? null : tooManyAddresses(owner, slices);
    if (bound !== null) problems.push(bound);
    for (const slice of boundedSlices(slices)) problems.push(...sliceProblems(slice, rules));
    if (legacy !== undefined) problems.push(...refusals(legacy, localJudgeOf(legacy, rules)));
  }
  return problems;
}

function sliceProblems(slice: EndpointSlice, rules: LocalRules): Problem[] {
  const { problem } = sliceWeight(slice);
  return [...(problem === null ? [] : [problem]), ...refusals(slice, localJudgeOf(slice, rules))];
}

/** One problem for all addresses that are left out: it names the first. No index: faulty ones are gone by now. */
function refusals(object: EndpointSlice | Endpoints, judge: LocalJudge | null): Problem[] {
  if (judge === null) return [];
  const refused = [...refusedOf(object, judge)];
  const [first] = refused;
  if (first === undefined) return [];
  const rule = `must not have ${first.what} unless --allow-local-backends is given`;
  const effect = refused.length === 1 ? 'the address is left out' : `this and ${refused.length - 1} more of its addresses are left out`;
  const field = object.kind === 'EndpointSlice' ? 'endpoints' : 'subsets';
  return [problemOf(object, { severity: 'error', field, rule, value: first.address, effect })];
}

interface Refusal {
  readonly address: string;
  readonly what: string;
}

function* refusedOf(object: EndpointSlice | Endpoints, judge: LocalJudge): Iterable<Refusal> {
  if (object.kind === 'EndpointSlice') {
    for (const { addresses } of object.endpoints) yield* refusedAmong(addresses, object.ports, judge);
    return;
  }
  for (const { addresses, notReadyAddresses, ports } of object.subsets) yield* refusedAmong([...addresses, ...notReadyAddresses], ports, judge);
}

/** An address that is refused at one port only (the admin API's) is reported as well. */
function* refusedAmong(addresses: readonly string[], ports: readonly SlicePort[], judge: LocalJudge): Iterable<Refusal> {
  for (const address of addresses) {
    const what = ports.map(({ port }) => (port === null ? null : judge(address, port))).find((found) => found !== null);
    if (what !== undefined && what !== null) yield { address, what };
  }
}
