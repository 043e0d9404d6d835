import type { Explanation, ExplainStep } from '../../core/ipc/views.ts';
import { decodeOrNull, list, maybe, number, record, text, word } from './decode.ts';
import { objectRef } from './decodeStatus.ts';

const step = record<ExplainStep>({
  step: word('host', 'route', 'filter', 'canary', 'cluster', 'endpoint', 'answer'),
  text,
});

const explanation = record<Explanation>({
  steps: list(step),
  ingress: maybe(objectRef),
  field: maybe(text),
  cluster: maybe(text),
  endpoint: maybe(text),
  status: maybe(number),
});

/** The answer of `GET /api/v1/explain`; null when it is something else. */
export function decodeExplanation(body: unknown): Explanation | null {
  return decodeOrNull(explanation, body);
}
