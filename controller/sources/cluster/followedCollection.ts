import type { FollowedKind } from './clusterKind.ts';
import type { Held } from './heldObjects.ts';
import { INITIAL_REFLECTOR_STATE, type ReflectorOutcome, type ReflectorState } from './reflectorMachine.ts';
import { resourcePath } from '../../cluster/resources.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** How the following of one collection fares. */
export interface CollectionHealth {
  /** Label of the kind. */
  readonly kind: string;
  /** Empty: all namespaces, or a cluster-scoped kind. */
  readonly namespace: string;
  readonly synced: boolean;
  readonly state: 'listing' | 'watching' | 'away' | 'refused' | 'missing';
  /** Objects of the API server that are held. */
  readonly objects: number;
  /** When the last event or complete list came, on the source's clock; null: none yet. */
  readonly lastEventAtMs: number | null;
  /** Complete lists. */
  readonly lists: number;
  /** Watches begun after the first. */
  readonly watchRestarts: number;
}

/** A refusal that is said less often than this in a row may be an API server that starts. */
const MIN_REFUSALS = 3;

/** One collection that is followed, and what is known of that. */
export class FollowedCollection {
  readonly kind: FollowedKind;
  readonly namespace: string;
  readonly held: Held;
  #state: ReflectorState = INITIAL_REFLECTOR_STATE;
  #lastEventAtMs: number | null = null;
  #lists = 0;
  #watches = 0;

  constructor(kind: FollowedKind, namespace: string, held: Held) {
    this.kind = kind;
    this.namespace = namespace;
    this.held = held;
  }

  get state(): ReflectorState {
    return this.#state;
  }

  /** Label and namespace, for logs. */
  get name(): string {
    return this.namespace === '' ? this.kind.label : `${this.kind.label} in ${this.namespace}`;
  }

  /** Takes an outcome; true when the problem of the collection is another now. */
  step(state: ReflectorState, outcome: ReflectorOutcome, nowMs: number): boolean {
    const before = problemKey(this.#state);
    if (outcome.type === 'event' || outcome.type === 'page') this.#lastEventAtMs = nowMs;
    if (outcome.type === 'page' && outcome.continueToken === '') this.#lists += 1;
    if (outcome.type === 'opened') this.#watches += 1;
    this.#state = state;
    return problemKey(state) !== before;
  }

  health(): CollectionHealth {
    return {
      kind: this.kind.label,
      namespace: this.namespace,
      synced: this.#state.synced,
      state: stateName(this.#state),
      objects: this.held.size,
      lastEventAtMs: this.#lastEventAtMs,
      lists: this.#lists,
      watchRestarts: Math.max(0, this.#watches - 1),
    };
  }

  /** Null while nothing is wrong that somebody could mend. */
  problem(): Problem | null {
    switch (problemKey(this.#state)) {
      case '':
        return null;
      case 'missing':
        return this.kind.whenMissing === null ? null : missingProblem(this.kind, this.kind.whenMissing);
      default:
        return refusedProblem(this);
    }
  }
}

function stateName({ fault, command }: ReflectorState): CollectionHealth['state'] {
  if (fault !== null) return fault.type;
  return command.type === 'watch' || (command.type === 'wait' && command.afterwards === null) ? 'watching' : 'listing';
}

/** What tells one problem from another; empty: there is none. */
function problemKey({ fault, failures }: ReflectorState): string {
  switch (fault?.type) {
    case 'missing':
      return 'missing';
    case 'refused':
      return failures >= MIN_REFUSALS ? `${fault.verb} ${fault.error.message}` : '';
    case 'away':
    case undefined:
      return '';
  }
}

function missingProblem({ resource, label }: FollowedKind, whenMissing: string): Problem {
  const name = `${resource.plural}.${resource.group === '' ? 'core' : resource.group}`;
  return {
    severity: 'warning',
    object: null,
    position: null,
    field: '',
    rule: `the API server must know ${name} in version ${resource.version}: ${whenMissing}`,
    value: label,
    effect: `there are no objects of kind ${label}; looked for again every 10 s`,
  };
}

function refusedProblem({ kind, namespace, state }: FollowedCollection): Problem {
  const { fault } = state;
  const refusal = fault?.type === 'refused' ? fault : null;
  const { group, plural } = kind.resource;
  const where = namespace === '' ? 'a ClusterRole' : `a Role in namespace ${namespace}`;
  // What is known by its name is got where others are listed.
  const read = kind.only === undefined ? 'list' : 'get';
  const verb = refusal?.verb === 'watch' ? 'watch' : read;
  const rule = `apiGroups: ["${group}"], resources: ["${plural}"], verbs: ["${read}", "watch"]`;
  const needs = refusal?.error.code === 'forbidden'
    ? `the ServiceAccount of Gatehouse must be allowed to ${verb} ${plural} (${where} with ${rule})`
    : `the API server must accept ${verb} ${resourcePath(kind.resource, { namespace })}`;
  return {
    severity: 'error',
    object: null,
    position: null,
    field: '',
    rule: `${needs}: ${refusal?.error.message ?? ''}`,
    value: kind.label,
    effect: state.synced ? `objects of kind ${kind.label} stay as they were last seen` : 'nothing is served before they are known',
  };
}
