import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeEndpointViews } from './mergeEndpointViews.ts';
import type { EndpointView } from '../../core/ipc/views.ts';

function view(cluster: string, activeRequests: number): EndpointView {
  return { cluster, endpoint: '10.0.0.1:80', state: 'ready', weight: 1, activeRequests, idleConnections: 1, ejectedBy: 1 };
}

test('one endpoint of one cluster is one view, its counts added up; clusters are told apart', () => {
  const merged = mergeEndpointViews([[view('a', 1), view('b', 5)], [view('a', 2)], []]);
  assert.deepEqual(merged, [{ ...view('a', 3), idleConnections: 2, ejectedBy: 2 }, view('b', 5)]);
});
