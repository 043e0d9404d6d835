import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObjectStore } from '../model/store.ts';
import type { ListenerOutcome } from '../processes/proxyListeners.ts';
import { readCase } from '../translate/testdata/readCase.ts';
import { translate } from '../translate/translate.ts';
import { listenerProblems, openKeys, withListenerProblems } from './listenerProblems.ts';

const { objects: decoded, options } = readCase(`
apiVersion: gatehouse.dev/v1
kind: IPAddressPool
metadata: { name: lan }
spec: { addresses: [127.77.0.1-127.77.0.9] }
---
apiVersion: v1
kind: Service
metadata: { name: dns, namespace: a }
spec: { type: LoadBalancer, ports: [{ name: x, port: 53 }, { name: y, port: 54 }] }
`);
const objects = new ObjectStore();
objects.apply({ upserts: decoded, deletes: [] });
const translation = translate(objects, options);

function failed(protocol: 'tcp' | 'http', port: number, message: string): ListenerOutcome {
  return { type: 'failed', listener: { protocol, address: '127.77.0.1', port }, error: new Error(message) };
}

test('ports of one object that fail for one reason are one problem, which its status tells too', () => {
  const outcomes = [53, 54].map((port) => failed('tcp', port, `cannot bind 127.77.0.1:${port}: EACCES; needs root`));
  const problems = listenerProblems(outcomes, { translation, objects, publishService: null });
  assert.deepEqual(problems.map(({ object, field, value }) => [object?.name, field, value]), [
    ['dns', 'spec.ports[0]', '"tcp/127.77.0.1:53, tcp/127.77.0.1:54"'],
  ]);
  const [dns] = withListenerProblems(translation.services, { problems, outcomes });
  assert.equal(dns?.forwarding, 'none', 'nothing of it is carried here');
  const oneOpen: ListenerOutcome = { type: 'open', listener: { protocol: 'tcp', address: '127.77.0.1', port: 53 }, port: 53 };
  const [half] = withListenerProblems(translation.services, { problems, outcomes: [...outcomes.slice(1), oneOpen] });
  assert.equal(half?.forwarding, 'proxy');
  assert.match(dns?.reason ?? '', /bound by the proxy on this machine; not open: .*:53.*EACCES; needs root/);
});

test('different reasons are different problems', () => {
  const outcomes = [failed('tcp', 53, 'cannot bind 127.77.0.1:53: EACCES'), failed('tcp', 54, 'cannot bind 127.77.0.1:54: EADDRINUSE')];
  assert.equal(listenerProblems(outcomes, { translation, objects, publishService: null }).length, 2);
});

test('a port of the HTTP listeners is a problem of the publish Service', () => {
  const [problem] = listenerProblems([failed('http', 80, 'no')], { translation, objects, publishService: 'a/front' });
  assert.deepEqual(problem?.object, { kind: 'Service', namespace: 'a', name: 'front' });
});

test('what nobody asks for any more is nobody\'s problem', () => {
  assert.deepEqual(listenerProblems([failed('tcp', 99, 'no')], { translation, objects, publishService: null }), []);
});

test('only L4 listeners that are open have keys', () => {
  const open: ListenerOutcome = { type: 'open', listener: { protocol: 'tcp', address: '127.77.0.1', port: 53 }, port: 53 };
  const http: ListenerOutcome = { type: 'open', listener: { protocol: 'http', address: '127.77.0.1', port: 80 }, port: 80 };
  assert.deepEqual([...openKeys([open, http, failed('tcp', 54, 'no')])], ['tcp/127.77.0.1:53']);
});
