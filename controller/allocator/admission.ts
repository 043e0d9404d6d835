import { matchesAnySelector, matchesSelector } from '../model/labelSelector.ts';
import type { ServiceAllocation } from '../model/addressPool.ts';
import type { LabelSelector } from '../model/objectBase.ts';
import type { Namespace } from '../model/objects.ts';
import type { Service } from '../model/service.ts';
import { compareText } from '../translate/ingressAge.ts';
import type { Pool, PoolTable } from './poolTable.ts';

/** Which pools may serve one Service. */
export interface Admission {
  /** Pools with a serviceAllocation that fits and that give unasked: those to try first, in order. */
  readonly pinned: readonly Pool[];
  /** All pools with a serviceAllocation that fits. */
  readonly admitted: ReadonlySet<Pool>;
}

/** The part of a serviceAllocation that does not fit a Service. */
export type AdmissionFault = 'namespace' | 'labels';

/** Given by the API server to every Namespace; in manifest files it need not be written. */
const NAME_LABEL = 'kubernetes.io/metadata.name';
const NOWHERE: Admission = { pinned: [], admitted: new Set() };

/** Answers for each Service which pools' serviceAllocation it fits; asks once for Services that look the same to all pools. */
export class Admissions {
  readonly #pinned: readonly Pool[];
  /** Keys that serviceSelectors look at: Services with the same values of them are the same to every pool. */
  readonly #keys: readonly string[];
  readonly #namespaceLabels = new Map<string, ReadonlyMap<string, string>>();
  /** namespace → values of `#keys` → what holds for such Services. */
  readonly #known = new Map<string, Map<string, Admission>>();

  constructor({ pools }: PoolTable, namespaces: Iterable<Namespace>) {
    this.#pinned = pools.filter(({ object }) => object.serviceAllocation !== null).toSorted(byPriority);
    this.#keys = [...new Set(this.#pinned.flatMap(selectorKeys))];
    for (const { metadata } of this.#pinned.length === 0 ? [] : namespaces) {
      this.#namespaceLabels.set(metadata.name, new Map(metadata.labels).set(NAME_LABEL, metadata.name));
    }
  }

  of(service: Service): Admission {
    if (this.#pinned.length === 0) return NOWHERE;
    const { namespace, labels } = service.metadata;
    let byLabels = this.#known.get(namespace);
    if (byLabels === undefined) this.#known.set(namespace, (byLabels = new Map<string, Admission>()));
    const seen = this.#keys.length === 0 ? '' : JSON.stringify(this.#keys.map((key) => labels.get(key) ?? null));
    let known = byLabels.get(seen);
    if (known === undefined) byLabels.set(seen, (known = this.#compute(service)));
    return known;
  }

  /** True when the pool is for every Service, or for this one. */
  admits(pool: Pool, service: Service): boolean {
    return pool.object.serviceAllocation === null || this.of(service).admitted.has(pool);
  }

  /** Null when the pool admits the Service. */
  fault({ object }: Pool, service: Service): AdmissionFault | null {
    const { serviceAllocation: allocation } = object;
    if (allocation === null) return null;
    if (!this.#fitsNamespace(allocation, service.metadata.namespace)) return 'namespace';
    return matchesAnySelector(allocation.serviceSelectors, service.metadata.labels) ? null : 'labels';
  }

  #compute(service: Service): Admission {
    const fitting = this.#pinned.filter((pool) => this.fault(pool, service) === null);
    return { pinned: fitting.filter(({ object }) => object.autoAssign && !object.drain), admitted: new Set(fitting) };
  }

  #fitsNamespace({ namespaces, namespaceSelectors }: ServiceAllocation, name: string): boolean {
    if (namespaces.length === 0 && namespaceSelectors.length === 0) return true;
    if (namespaces.includes(name)) return true;
    const labels = this.#namespaceLabels.get(name) ?? new Map([[NAME_LABEL, name]]);
    return namespaceSelectors.some((selector) => matchesSelector(selector, labels));
  }
}

/** One line for people: `priority 10; namespaces a, b or with team=x; Services with app=web`. Null: for every Service. */
export function printAllocation({ object }: Pool): string | null {
  const { serviceAllocation: allocation } = object;
  if (allocation === null) return null;
  const { priority, namespaces, namespaceSelectors, serviceSelectors } = allocation;
  const named = namespaces.length === 0 ? '' : few(namespaces).join(', ');
  const selected = namespaceSelectors.length === 0 ? '' : `with ${few(namespaceSelectors.map(printSelector)).join(' or ')}`;
  const parts = [
    priority === 0 ? '' : `priority ${priority}`,
    named === '' && selected === '' ? '' : `namespaces ${[named, selected].filter((part) => part !== '').join(' or ')}`,
    serviceSelectors.length === 0 ? '' : `Services with ${few(serviceSelectors.map(printSelector)).join(' or ')}`,
  ];
  const text = parts.filter((part) => part !== '').join('; ');
  return text === '' ? 'every Service' : text;
}

/** Most names or selectors of one list that a line shows. */
const MAX_SHOWN = 5;

function few(texts: readonly string[]): readonly string[] {
  return texts.length <= MAX_SHOWN ? texts : [...texts.slice(0, MAX_SHOWN), `${texts.length - MAX_SHOWN} more`];
}

/** As kubectl writes selectors. */
function printSelector({ matchLabels, matchExpressions }: LabelSelector): string {
  const equal = [...matchLabels].map(([key, value]) => `${key}=${value}`);
  const others = matchExpressions.map(({ key, operator, values }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(', ')})`;
  });
  return [...equal, ...others].join(',') || 'any labels';
}

/** Lower priority first, 0 last; equals stay in order of age. */
function byPriority(a: Pool, b: Pool): number {
  return rank(a) - rank(b);
}

function rank({ object }: Pool): number {
  const priority = object.serviceAllocation?.priority ?? 0;
  return priority === 0 ? Number.MAX_VALUE : priority;
}

function selectorKeys({ object }: Pool): string[] {
  const selectors = object.serviceAllocation?.serviceSelectors ?? [];
  const keys = selectors.flatMap(({ matchLabels, matchExpressions }) => [
    ...matchLabels.keys(),
    ...matchExpressions.map(({ key }) => key),
  ]);
  return keys.toSorted(compareText);
}
