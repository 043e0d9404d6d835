import { METHODS } from 'node:http';
import type { V1Ingress } from '@kubernetes/client-node';
import { startGatehouse, type Gatehouse } from '../support/gatehouse.ts';
import { ingress, nginx, service, type Manifest } from '../support/manifests.ts';
import type { Outcome } from './judge.ts';
import { exchangeRaw, WRITE_MODES, type RawReceived, type WriteMode } from '../support/rawClient.ts';
import { readResponses } from '../support/rawResponse.ts';
import { CASES, requestsIn, type SmugglingCase } from './smugglingCase.ts';
import { startWatchfulBackend, type Answer, type BackendKind, type WatchfulBackend } from './watchfulBackend.ts';

/** The cases a backend can be sent: Node knows the registered methods only. */
export function casesFor(kind: BackendKind): readonly SmugglingCase[] {
  if (kind !== 'node:http') return CASES;
  return CASES.filter(({ raw }) => requestsIn(raw).every(({ method }) => METHODS.includes(method)));
}

/** What came of all cases in all write modes. */
export interface Replay {
  /** Case id and write mode → what came of it. */
  outcomeOf(id: string, mode: WriteMode): Outcome;
  /** Probes that did not get their own answer, with the case before each. */
  readonly wrongProbes: readonly string[];
  /** Octets at a backend that are no request of the proxy. */
  readonly violations: readonly string[];
  /** What the product logged as faults of its own. */
  readonly faults: readonly unknown[];
}

/** The guard's backend is reported, as it should be. */
const GUARD_REPORT = 'Ingress default/guard: ';
/** Runs of cases at one time. */
const CONCURRENCY = 24;

/** Replays every case in every write mode, a probe behind each, and stops everything. */
export async function replay(kind: BackendKind): Promise<Replay> {
  const [a, b] = await Promise.all([startWatchfulBackend('A', kind), startWatchfulBackend('B', kind)]);
  // One worker, so that a probe finds the backend connections that the case before it left.
  const gatehouse = await startGatehouse({ manifests: manifests(a, b), workers: 1 });
  const runs = WRITE_MODES.flatMap((mode) => casesFor(kind).map((smuggling) => ({ smuggling, mode })));
  const received = new Map<string, { readonly from: string; readonly answer: RawReceived }>();
  const wrongProbes: string[] = [];
  const queue = [...runs.entries()];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, { smuggling, mode }] = next;
      const from = addressOf(100, index);
      const octets = Buffer.from(smuggling.raw, 'latin1');
      received.set(keyOf(smuggling.id, mode), { from, answer: await exchangeRaw({ port: gatehouse.http, from, octets, mode }) });
      const wrong = await probe(gatehouse, index);
      if (wrong !== null) wrongProbes.push(`${smuggling.id}, ${mode}: ${wrong}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  } finally {
    // Only now is what the backends saw all that they will ever see.
    await gatehouse.stop();
    await Promise.all([a.close(), b.close()]);
  }
  return {
    wrongProbes,
    violations: [...a.violations, ...b.violations],
    faults: gatehouse.log.filter(({ level, message }) => (level === 'error' || level === 'fatal') && !String(message).includes(GUARD_REPORT)),
    outcomeOf(id, mode) {
      const run = received.get(keyOf(id, mode));
      const smuggling = CASES.find((each) => each.id === id);
      if (run === undefined || smuggling === undefined) throw new Error(`${id} was not run`);
      return outcomeOf(smuggling, run, { a, b });
    },
  };
}

function outcomeOf(
  { raw }: SmugglingCase,
  { from, answer }: { readonly from: string; readonly answer: RawReceived },
  { a, b }: { readonly a: WatchfulBackend; readonly b: WatchfulBackend },
): Outcome {
  const methods = requestsIn(raw).map(({ method }) => method);
  return {
    from,
    end: answer.end,
    answers: readResponses(answer.octets, methods),
    atGateway: a.requests.get(from) ?? [],
    atOther: b.requests.get(from) ?? [],
  };
}

/** A request on a fresh connection; null when it got the answer that is its own. */
async function probe({ http }: Gatehouse, index: number): Promise<string | null> {
  const from = addressOf(110, index);
  const target = `/probe/${index}`;
  const octets = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: gw.test\r\n\r\n`, 'latin1');
  const { octets: text } = await exchangeRaw({ port: http, from, octets, mode: 'whole' });
  const [response, ...more] = readResponses(text, ['GET']).responses;
  const expected: Answer = { backend: 'A', method: 'GET', target, client: from };
  const isOwn = more.length === 0 && response?.status === 200 && response.body === JSON.stringify(expected);
  return isOwn ? null : JSON.stringify(text.slice(0, 500));
}

/** A loopback address of its own for each run. */
function addressOf(second: number, index: number): string {
  return `127.${second}.${index >> 8}.${index & 255}`;
}

function keyOf(id: string, mode: WriteMode): string {
  return `${id} ${mode}`;
}

function manifests(a: WatchfulBackend, b: WatchfulBackend): Manifest[] {
  const at = ({ port }: WatchfulBackend): { address: string; port: number }[] => [{ address: '127.0.0.1', port }];
  const redirect = { annotations: nginx({ 'force-ssl-redirect': 'true' }) };
  return [
    ingress('gateway', 'gw.test', [{ path: '/', service: 'a' }]),
    ingress('other', 'other.test', [{ path: '/', service: 'b' }]),
    ingress('redirect-gateway', 'gw.test', [{ path: '/redirect', service: 'a' }], redirect),
    ingress('redirect-other', 'other.test', [{ path: '/redirect', service: 'b' }], redirect),
    guard(),
    ...service('a', at(a)),
    ...service('b', at(b)),
  ];
}

/** A resource backend is answered by the proxy itself: nothing under /admin may reach a backend. */
function guard(): V1Ingress {
  const backend = { resource: { apiGroup: 'example.test', kind: 'Nowhere', name: 'guard' } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'guard', namespace: 'default' },
    spec: { rules: [{ host: 'gw.test', http: { paths: [{ path: '/admin', pathType: 'Prefix', backend }] } }] },
  };
}
