import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RESOURCES } from '../controller/cluster/resources.ts';
import { decodeObject } from '../controller/decode/decodeObject.ts';
import { fieldErrorText } from './apiserver/fieldError.ts';
import { applyDefaults } from './apiserver/schema/applyDefaults.ts';
import { celErrors } from './apiserver/schema/cel.ts';
import type { Schema } from './apiserver/schema/schema.ts';
import { validate } from './apiserver/schema/validate.ts';
import { isLabelSelector, readCrds } from './support/crdFiles.ts';
import { crdCase, INVALID, SPECS, VALID } from './support/crdCases.ts';
import { drawFrom, isKnownDifference, mutate } from './support/crdMutations.ts';
import type { Kind } from '../controller/model/objects.ts';

const CRDS = readCrds();
const SEED = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 1_000_000);
const MUTATIONS = 4000;

function schemaOf(kind: string): Schema {
  return CRDS.find(({ crd }) => crd.spec.names.kind === kind)?.schema ?? assert.fail(`there is no CRD of ${kind}`);
}

/** Faults as the API server finds them when the object is made. */
function schemaFaults(value: unknown, kind: string): string[] {
  const stored = structuredClone(value);
  const schema = schemaOf(kind);
  applyDefaults(stored, schema);
  const faults = validate(stored, schema).map(({ field, detail, rule }) => `${field}: ${detail ?? rule}`);
  // The API server, too, evaluates rules only on what has the form of the schema.
  return faults.length > 0 ? faults : celErrors(stored, null, schema).map((error) => `${error.field}: ${fieldErrorText(error)}`);
}

function decoderFaults(value: unknown): string[] {
  const { object, problems } = decodeObject(value, null);
  const errors = problems.filter(({ severity }) => severity === 'error').map(({ field, rule }) => `${field}: ${rule}`);
  return object === null && errors.length === 0 ? ['not read'] : errors;
}

/** Every node of a schema with its path; properties of label selectors included. */
function* nodesOf(schema: Schema, path = ''): Generator<readonly [string, Schema]> {
  yield [path, schema];
  for (const [name, of] of Object.entries(schema.properties ?? {})) yield* nodesOf(of, `${path}.${name}`);
  if (schema.items !== undefined) yield* nodesOf(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === 'object') yield* nodesOf(schema.additionalProperties, `${path}{}`);
}

suite('the definitions keep the rules of the API server', () => {
  for (const { file, crd, schema } of CRDS) {
    test(`${file} names the kind as the code does`, () => {
      const { group, scope, names, versions } = crd.spec;
      assert.deepEqual(RESOURCES[names.kind as Kind], { group, version: 'v1', plural: names.plural, namespaced: scope === 'Namespaced' });
      assert.equal(crd.metadata.name, `${names.plural}.${group}`);
      assert.equal(file, `${names.plural}.yaml`);
      assert.deepEqual([names.listKind, names.singular, names.categories], [`${names.kind}List`, names.kind.toLowerCase(), ['gatehouse']]);
      assert.deepEqual(versions.map(({ name, served, storage, subresources }) => [name, served, storage, subresources]), [
        ['v1', true, true, { status: {} }],
      ]);
    });

    test(`${file} is structural, bounded, and says what every field does`, () => {
      for (const [path, node] of nodesOf(schema)) checkNode(path, node);
    });

    test(`${file} has printer columns that show fields it has`, () => {
      for (const { jsonPath, type } of crd.spec.versions[0]?.additionalPrinterColumns ?? []) {
        if (jsonPath === '.metadata.creationTimestamp') continue;
        const path = jsonPath.replace(/\[\?\(@\.type=="Valid"\)\]|\[\*\]/, '[]');
        const [, node] = [...nodesOf(schema)].find(([one]) => one === path) ?? assert.fail(jsonPath);
        const shown = node.type === 'array' || jsonPath.includes('[*]') ? 'string' : node.type;
        assert.equal(type, shown, jsonPath);
      }
    });
  }

  test('short names are those of one kind only', () => {
    const names = CRDS.flatMap(({ crd }) => [crd.spec.names.plural, crd.spec.names.singular, ...crd.spec.names.shortNames]);
    assert.equal(new Set(names).size, names.length);
    assert.equal(CRDS.length, 7);
  });

  test('label selectors are the same everywhere, their descriptions apart', () => {
    const plain = (schema: Schema): string => JSON.stringify(schema, (key, value: unknown) => (key === 'description' ? undefined : value));
    const selectors = CRDS.flatMap(({ schema }) => [...nodesOf(schema)].map(([, node]) => node).filter(isLabelSelector));
    assert.equal(selectors.length, 10);
    assert.equal(new Set(selectors.map(plain)).size, 1);
  });
});

const TYPES = new Set(['object', 'array', 'string', 'integer', 'boolean']);
const ROOT_STRINGS = new Set(['.apiVersion', '.kind']);

function checkNode(path: string, node: Schema): void {
  assert.ok(TYPES.has(node.type ?? ''), `${path} has no type`);
  // The server takes a description of anything but metadata (structural schemas).
  if (path === '.metadata') assert.deepEqual(node, { type: 'object' });
  else assert.ok((node.description ?? '').length > 5 && !/\n|\s$/.test(node.description ?? ''), `${path} has no description`);
  if (node.type === 'string' && !ROOT_STRINGS.has(path) && node.format === undefined) {
    assert.ok(node.maxLength !== undefined || node.enum !== undefined, `${path} has no maxLength`);
  }
  if (node.type === 'integer') assert.ok(node.format === 'int32' || node.format === 'int64', `${path} has no format`);
  if (node.type === 'array') {
    assert.ok(node.maxItems !== undefined && node.items !== undefined, `${path} has no maxItems`);
    assert.ok(node['x-kubernetes-list-type'] !== undefined, `${path} has no list type`);
  }
  if (node.additionalProperties !== undefined) assert.ok(node.maxProperties !== undefined, `${path} has no maxProperties`);
  for (const key of node['x-kubernetes-list-map-keys'] ?? []) assert.ok(node.items?.required?.includes(key), `${path}: key ${key}`);
  for (const name of node.required ?? []) assert.ok(node.properties?.[name] !== undefined, `${path} lacks ${name}`);
  if (node.default !== undefined) assert.deepEqual(validate(node.default, node), [], `${path} has a faulty default`);
  for (const { message, messageExpression, fieldPath } of node['x-kubernetes-validations'] ?? []) {
    const text = message ?? messageExpression ?? '';
    assert.ok(text !== '' && !text.includes('\n') && text.length < 200, `${path}: ${text}`);
    if (fieldPath !== undefined) assert.ok(node.properties?.[fieldPath.slice(1)] !== undefined, `${path}: ${fieldPath}`);
  }
}

suite('schemas and decoders agree', () => {
  test('on objects that are right', () => {
    for (const [kind, specs] of Object.entries(VALID)) {
      for (const spec of specs) {
        const value = crdCase(kind, spec);
        assert.deepEqual([schemaFaults(value, kind), decoderFaults(value)], [[], []], JSON.stringify(spec));
      }
    }
  });

  test('on objects that are wrong', () => {
    for (const [kind, specs] of Object.entries(INVALID)) {
      for (const spec of specs) {
        const value = crdCase(kind, spec);
        assert.ok(schemaFaults(value, kind).length > 0, `${kind} ${JSON.stringify(spec)} is taken by the schema`);
        assert.ok(decoderFaults(value).length > 0, `${kind} ${JSON.stringify(spec)} is taken by the decoder`);
      }
    }
  });

  test(`on ${MUTATIONS} mutations of right ones, known differences apart (GATEHOUSE_SEED=${SEED})`, () => {
    const random = drawFrom(SEED);
    const cases = Object.entries(VALID).flatMap(([kind, specs]) => specs.map((spec) => ({ kind, spec })));
    let taken = 0;
    for (let round = 0; round < MUTATIONS; round += 1) {
      const { kind, spec } = cases[random(cases.length)] ?? assert.fail();
      const value = mutate(crdCase(kind, spec), random);
      const [bySchema, byDecoder] = [schemaFaults(value, kind), decoderFaults(value)];
      if ((bySchema.length === 0) === (byDecoder.length === 0)) taken += bySchema.length === 0 ? 1 : 0;
      else assert.ok(isKnownDifference({ bySchema, byDecoder }), `${JSON.stringify(value)}\nschema: ${bySchema.join()}\ndecoder: ${byDecoder.join()}`);
    }
    assert.ok(taken > MUTATIONS / 50, `only ${taken} mutations were still right`);
  });

  test('the schema has exactly the fields that the decoder knows', () => {
    for (const [kind, spec] of Object.entries(SPECS)) {
      for (const { path, fields, value } of strangeFields(crdCase(kind, spec), schemaOf(kind))) {
        const problem = decodeObject(value, null).problems.find(({ field }) => field === `${path}.strange`);
        const known = problem?.rule.replace('must be one of ', '').split(', ') ?? [];
        assert.deepEqual(known.toSorted(), fields.toSorted(), `${kind} ${path}`);
      }
    }
  });

  test('the decoder reads every field of the schema', () => {
    for (const [kind, spec] of Object.entries(SPECS)) {
      for (const { path, value } of brokenFields(crdCase(kind, spec), schemaOf(kind))) {
        assert.ok(decoderFaults(value).length > 0, `${kind} ${path} is not read`);
      }
    }
  });

  test('an object that leaves out all it may decodes the same with the defaults of the schema', () => {
    for (const [kind, specs] of Object.entries(VALID)) {
      for (const spec of specs) {
        const value = crdCase(kind, spec);
        const stored = structuredClone(value);
        applyDefaults(stored, schemaOf(kind));
        assert.deepEqual(decodeObject(stored, null).object, decodeObject(value, null).object, kind);
      }
    }
  });

  test('what must not change later is refused on an update', () => {
    const before = crdCase('BGPPeer', { myASN: 1, peerASN: 2, peerAddress: '192.0.2.1', enableGracefulRestart: false });
    const after = crdCase('BGPPeer', { myASN: 1, peerASN: 2, peerAddress: '192.0.2.1', enableGracefulRestart: true });
    assert.deepEqual(celErrors(before, before, schemaOf('BGPPeer')), []);
    assert.deepEqual(celErrors(after, before, schemaOf('BGPPeer')).map(({ field }) => field), ['spec.enableGracefulRestart']);
  });
});

interface Placed {
  readonly path: string;
  readonly value: unknown;
}

/** For each map in `spec`: the object with an unknown field there, and the fields that the schema has. */
function strangeFields(value: object, schema: Schema): (Placed & { readonly fields: readonly string[] })[] {
  return placesOf(value, schema).flatMap(({ path, node, keys }) => {
    if (node.properties === undefined) return [];
    const copy = structuredClone(value);
    Reflect.set(at(copy, keys), 'strange', true);
    return [{ path, fields: Object.keys(node.properties), value: copy }];
  });
}

/** For each field in `spec`: the object with something else there than the schema says. */
function brokenFields(value: object, schema: Schema): Placed[] {
  return placesOf(value, schema).map(({ path, node, keys }) => {
    const copy = structuredClone(value);
    Reflect.set(at(copy, keys.slice(0, -1)), keys.at(-1) ?? '', node.type === 'object' ? 'strange' : {});
    return { path, value: copy };
  });
}

/** Everything in `spec` with its schema and the keys that lead there. */
function placesOf(value: unknown, root: Schema): { readonly path: string; readonly node: Schema; readonly keys: readonly (string | number)[] }[] {
  const walk = (inner: unknown, node: Schema, place: { path: string; keys: readonly (string | number)[] }): ReturnType<typeof placesOf> => {
    const here = [{ ...place, node }];
    if (Array.isArray(inner)) {
      return inner.reduce<ReturnType<typeof placesOf>>(
        (found, element, index) => [...found, ...walk(element, node.items ?? {}, { path: `${place.path}[${index}]`, keys: [...place.keys, index] })],
        here,
      );
    }
    if (typeof inner !== 'object' || inner === null || node.properties === undefined) return here;
    const fields = Object.entries(inner).flatMap(([name, of]) => {
      const schema = node.properties?.[name] ?? assert.fail(`${place.path}.${name} is not in the schema`);
      return walk(of, schema, { path: `${place.path}.${name}`, keys: [...place.keys, name] });
    });
    return [...here, ...fields];
  };
  return walk(Reflect.get(Object(value), 'spec'), root.properties?.['spec'] ?? {}, { path: 'spec', keys: ['spec'] });
}

function at(value: object, keys: readonly (string | number)[]): object {
  return keys.reduce<object>((inner, key) => Reflect.get(inner, key) as object, value);
}
