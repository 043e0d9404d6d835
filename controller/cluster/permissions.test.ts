import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DEFAULT_NAMES, FEATURES, isPermitted, PERMISSIONS, permissionsOf, type Installation } from './permissions.ts';
import { describeRequest, type RequestAttributes } from './requestAttributes.ts';
import { LEASE, RESOURCES, resourcePath, WEBHOOK_CONFIGURATION } from './resources.ts';

const INSTALLATION: Installation = { features: FEATURES, namespace: 'gatehouse-system', names: DEFAULT_NAMES };

function may(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, query: Readonly<Record<string, string>> = {}, installation = INSTALLATION): boolean {
  return isPermitted(describeRequest({ method, path, query }), installation);
}

suite('the list of permissions', () => {
  test('has no wildcard, and nothing that gives further rights', () => {
    for (const { group, resource, verbs } of PERMISSIONS) {
      for (const word of [group, resource, ...verbs]) assert.doesNotMatch(word, /\*/);
      assert.doesNotMatch(group, /rbac|authentication|authorization/);
      assert.doesNotMatch(resource, /^(pods|nodes|services|serviceaccounts)\/(proxy|exec|portforward|attach|token|ephemeralcontainers)$/);
      for (const verb of verbs) assert.ok(!['impersonate', 'bind', 'escalate', 'deletecollection'].includes(verb));
    }
  });

  test('writes no Secret but the one of the webhook', () => {
    const writing = PERMISSIONS.filter(({ resource, verbs }) => resource.startsWith('secrets') && verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)));
    assert.deepEqual(writing.map(({ scope, resourceName }) => [scope, resourceName]), [['ownNamespace', 'webhookSecret']]);
  });

  test('lists Secrets and ConfigMaps only where that was asked for', () => {
    const listing = PERMISSIONS.filter(({ resource, verbs }) => ['secrets', 'configmaps'].includes(resource) && verbs.includes('list'));
    assert.deepEqual(listing.map(({ feature }) => feature), ['secretsAll']);
  });

  test('changes nobody\'s objects: statuses, Events, and what is Gatehouse\'s own', () => {
    const changed = PERMISSIONS.filter(({ verbs }) => verbs.some((verb) => !['get', 'list', 'watch'].includes(verb))).map(({ resource }) => resource);
    const own = ['servicevipstatuses', 'events', 'leases', 'secrets', 'validatingwebhookconfigurations'];
    assert.deepEqual(changed.filter((resource) => !resource.endsWith('/status') && !own.includes(resource)), []);
  });

  test('never has create beside a name, as no authorizer could tell', () => {
    for (const { verbs, resourceName } of PERMISSIONS) assert.ok(resourceName === undefined || !verbs.includes('create'));
  });

  test('says of each right why', () => {
    for (const { why, resource } of PERMISSIONS) assert.match(why, /^[A-Z].+\.$/, resource);
  });

  test('only reads without further features', () => {
    for (const { verbs } of permissionsOf([])) assert.ok(verbs.every((verb) => ['get', 'list', 'watch'].includes(verb)));
  });

  test('reads every kind of resources.ts but Endpoints, which EndpointSlices say better', () => {
    for (const resource of Object.values(RESOURCES)) {
      const byName = ['secrets', 'configmaps'].includes(resource.plural);
      const path = byName ? resourcePath(resource, { namespace: 'shop', name: 'a' }) : resourcePath(resource);
      assert.equal(may('GET', path), resource.plural !== 'endpoints', path);
    }
  });
});

suite('isPermitted', () => {
  test('knows a watch of one object by its field selector', () => {
    const secrets = resourcePath(RESOURCES.Secret, { namespace: 'gatehouse-system' });
    const query = { watch: '1', fieldSelector: 'metadata.name=gatehouse-webhook-tls' };
    const webhookOnly = { ...INSTALLATION, features: ['webhook'] as const };
    assert.equal(may('GET', secrets, query, webhookOnly), true);
    assert.equal(may('GET', secrets, { ...query, fieldSelector: 'metadata.name=other' }, webhookOnly), false);
    assert.equal(may('GET', secrets, {}, webhookOnly), false);
    assert.equal(may('PATCH', resourcePath(WEBHOOK_CONFIGURATION, { name: 'gatehouse' })), true);
    assert.equal(may('PATCH', resourcePath(WEBHOOK_CONFIGURATION, { name: 'other' })), false);
  });

  test('keeps what is for the own namespace there, and for one object to that', () => {
    const lease = (namespace: string, name: string): string => resourcePath(LEASE, { namespace, name });
    const without = { ...INSTALLATION, features: FEATURES.filter((feature) => feature !== 'vipLeases') };
    assert.equal(may('PUT', lease('gatehouse-system', 'gatehouse-leader')), true);
    assert.equal(may('PUT', lease('kube-system', 'gatehouse-leader')), false);
    assert.equal(may('PUT', lease('gatehouse-system', 'other'), {}, without), false);
    assert.equal(may('PUT', lease('kube-system', 'gatehouse-vip-192-0-2-10')), false);
    assert.equal(may('DELETE', lease('gatehouse-system', 'gatehouse-leader')), false);
    assert.equal(may('POST', resourcePath(LEASE, { namespace: 'gatehouse-system' })), true);
    const secret = (name: string): string => resourcePath(RESOURCES.Secret, { namespace: 'gatehouse-system', name });
    assert.equal(may('PATCH', secret('gatehouse-webhook-tls')), true);
    assert.equal(may('PATCH', secret('token')), false);
  });

  test('tells an object from its status', () => {
    const service = { namespace: 'shop', name: 'a' };
    assert.equal(may('PATCH', resourcePath(RESOURCES.Service, { ...service, subresource: 'status' })), true);
    assert.equal(may('PATCH', resourcePath(RESOURCES.Service, service)), false);
  });

  test('grants a feature\'s rights only with it', () => {
    const list: RequestAttributes = { verb: 'list', group: '', resource: 'secrets', subresource: '', namespace: '', name: '' };
    assert.equal(isPermitted(list, { ...INSTALLATION, features: [] }), false);
    assert.equal(isPermitted(list, INSTALLATION), true);
    assert.equal(isPermitted({ ...list, group: 'metallb.io', resource: 'bgppeers' }, { ...INSTALLATION, features: ['compatOpenelb'] }), false);
  });
});
