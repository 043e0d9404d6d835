import { isArrayOf, isCount, isFields, isFiniteNumber, isText, isTextOrNull, type Fields } from '../../core/ipc/messageShape.ts';
import type { FromProxy } from '../../core/ipc/messages.ts';
import type { EndpointView, ExplainStep, Explanation } from '../../core/ipc/views.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { MetricsDelta } from '../../core/metrics/delta.ts';

const EXPLAIN_STEPS: readonly ExplainStep['step'][] = ['host', 'route', 'filter', 'canary', 'cluster', 'endpoint', 'answer'];

/** Ours: a sentence; it goes to the log. */
const MAX_FAILURE_LENGTH = 1_000;

/**
 * Checks a message of the proxy process; null when it is none of this protocol. Every field is checked: the proxy parses
 * hostile traffic, and whoever takes it over must find nothing here that takes its word.
 */
export function decodeFromProxy(value: unknown): FromProxy | null {
  return isFields(value) && isFromProxy(value) ? value : null;
}

function isFromProxy(value: Fields): value is Fields & FromProxy {
  switch (value['type']) {
    case 'serving': return true;
    case 'listened': return isCount(value['id']) && (value['failure'] === null || isFailure(value['failure']));
    case 'unlistened': return isCount(value['id']);
    case 'applied': return isCount(value['generation']);
    case 'explained': return isCount(value['id']) && isExplanation(value['explanation']);
    case 'metrics': return isMetricsDelta(value['delta']);
    case 'collected': return isCount(value['id']) && isArrayOf(value['endpoints'], isEndpointView);
    case 'drained': return isCount(value['cutConnections']);
    default: return false;
  }
}

function isFailure(value: unknown): value is string {
  return isText(value) && value.length <= MAX_FAILURE_LENGTH;
}

function isExplanation(value: unknown): value is Explanation {
  return isFields(value)
    && isArrayOf(value['steps'], isExplainStep)
    && (value['ingress'] === null || isObjectRef(value['ingress']))
    && isTextOrNull(value['field']) && isTextOrNull(value['cluster']) && isTextOrNull(value['endpoint'])
    && (value['status'] === null || isCount(value['status']));
}

function isExplainStep(value: unknown): value is ExplainStep {
  return isFields(value) && EXPLAIN_STEPS.some((step) => step === value['step']) && isText(value['text']);
}

function isObjectRef(value: unknown): value is ObjectRef {
  return isFields(value) && isText(value['kind']) && isText(value['namespace']) && isText(value['name']);
}

function isEndpointView(value: unknown): value is EndpointView {
  return isFields(value)
    && isText(value['cluster']) && isText(value['endpoint'])
    && (value['state'] === 'ready' || value['state'] === 'terminating')
    && [value['weight'], value['activeRequests'], value['idleConnections'], value['ejectedBy']].every(isCount);
}

function isMetricsDelta(value: unknown): value is MetricsDelta {
  return isFields(value) && isText(value['worker'])
    && isArrayOf(value['counters'], (row) => isRow(row) && isAmount(row['value']))
    && isArrayOf(value['gauges'], (row) => isRow(row) && isFiniteNumber(row['value']))
    && isArrayOf(value['histograms'], (row) => isRow(row) && isArrayOf(row['buckets'], isAmount) && isFiniteNumber(row['sum']));
}

function isRow(value: unknown): value is Fields {
  return isFields(value) && isText(value['family']) && isArrayOf(value['labels'], isText);
}

function isAmount(value: unknown): value is number {
  return isFiniteNumber(value) && value >= 0;
}
