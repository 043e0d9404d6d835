import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createManifestSource, type ManifestSourceOptions } from './manifestSource.ts';
import { ManifestPathError } from './manifestLoader.ts';
import type { SourceBatch } from '../source.ts';
import { refOf } from '../../model/objects.ts';

/** One ConfigMap as a document. */
function configMap(name: string, value = '1'): string {
  return `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { value: "${value}" }\n`;
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-manifests-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A started source whose batches are awaited one by one. */
class Batches {
  readonly #queue: SourceBatch[] = [];
  #wake: (() => void) | null = null;

  readonly take = (batch: SourceBatch): void => {
    this.#queue.push(batch);
    this.#wake?.();
  };

  async next(): Promise<SourceBatch> {
    for (let batch = this.#queue.shift(); ; batch = this.#queue.shift()) {
      if (batch !== undefined) return batch;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  get waiting(): number {
    return this.#queue.length;
  }
}

interface Started {
  readonly batches: Batches;
  readonly first: SourceBatch;
  readonly stop: () => Promise<void>;
}

async function start(t: TestContext, options: ManifestSourceOptions): Promise<Started> {
  const source = createManifestSource(options);
  const batches = new Batches();
  t.after(() => source.stop());
  await source.start(batches.take);
  return { batches, first: await batches.next(), stop: () => source.stop() };
}

/** `name=value` of each upsert, `-name` of each delete, `line field: effect` of each problem. */
function summary(batch: SourceBatch): readonly string[] {
  const upserts = batch.upserts.map((object) =>
    object.kind === 'ConfigMap' ? `${object.metadata.name}=${object.data.get('value')}` : refOf(object).name,
  );
  const problems = batch.problems.map((problem) => `!${problem.position?.line} ${problem.field}`.trim());
  return [...upserts, ...batch.deletes.map((ref) => `-${ref.name}`), ...problems];
}

test('Start delivers all files, folders and formats in one batch, in path order', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'b', 'deep'), { recursive: true });
  await mkdir(join(folder, '.git'));
  await writeFile(join(folder, 'a.yaml'), `${configMap('a1')}${configMap('a2')}`);
  await writeFile(join(folder, 'b', 'deep', 'b.yml'), `\uFEFF${configMap('b')}`);
  const list = { apiVersion: 'v1', kind: 'List', items: [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c1' }, data: { value: 'x' } },
    { apiVersion: 'v1', kind: 'ConfigMapList', items: [{ metadata: { name: 'c2' }, data: { value: 'y' } }] },
  ] };
  await writeFile(join(folder, 'c.json'), `${JSON.stringify(list, null, '\t')}\n{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c3"}}`);
  await writeFile(join(folder, '.git', 'x.yaml'), configMap('hidden'));
  await writeFile(join(folder, '.y.yaml'), configMap('hidden'));
  await writeFile(join(folder, 'README.md'), 'no manifest');
  const { first } = await start(t, { paths: [folder, join(folder, 'a.yaml')] });
  assert.deepEqual(summary(first), ['a1=1', 'a2=1', 'b=1', 'c1=x', 'c2=y', 'c3=undefined']);
});

test('A given path that does not exist is an error that names it', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'nowhere');
  const source = createManifestSource({ paths: [folder, path] });
  await assert.rejects(source.start(() => {}), (error) => {
    assert.ok(error instanceof ManifestPathError);
    assert.equal(error.path, path);
    assert.ok(error.message.includes(JSON.stringify(path)));
    return true;
  });
  await source.stop();
});

test('Created, edited and deleted files give one batch each', async (t) => {
  const folder = await temporaryFolder(t);
  const { batches, first } = await start(t, { paths: [folder] });
  assert.deepEqual(summary(first), []);
  await writeFile(join(folder, 'a.yaml'), configMap('a'));
  assert.deepEqual(summary(await batches.next()), ['a=1']);
  await writeFile(join(folder, 'a.yaml'), configMap('a', '2'));
  assert.deepEqual(summary(await batches.next()), ['a=2']);
  await mkdir(join(folder, 'sub'));
  await writeFile(join(folder, 'sub', 'b.yaml'), configMap('b'));
  assert.deepEqual(summary(await batches.next()), ['b=1']);
  await rm(join(folder, 'a.yaml'));
  assert.deepEqual(summary(await batches.next()), ['-a']);
  await rm(join(folder, 'sub'), { recursive: true });
  assert.deepEqual(summary(await batches.next()), ['-b']);
});

test('An edit of one object among a thousand sends that object only, and the others follow their lines', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'many.yaml');
  const names = Array.from({ length: 1000 }, (_, index) => `m${index}`);
  await writeFile(path, names.map((name) => configMap(name)).join(''));
  const { batches, first } = await start(t, { paths: [folder] });
  assert.equal(first.upserts.length, 1000);
  await writeFile(path, names.map((name) => (name === 'm500' ? `# edited\n${configMap(name, '2')}` : configMap(name))).join(''));
  assert.deepEqual(summary(await batches.next()), ['m500=2']);
  assert.equal(first.upserts[10]?.origin?.position.line, 10 * 5 + 2);
  assert.equal(first.upserts[999]?.origin?.position.line, 999 * 5 + 3);
  assert.equal(first.upserts[999]?.origin?.locate('data[value]').line, 999 * 5 + 6);
});

test('An edit of one item of a List sends that item only', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'list.json');
  const list = (changed: string): string => JSON.stringify({ kind: 'List', apiVersion: 'v1', items: ['a', 'b', 'c'].map((name) => (
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value: name === 'b' ? changed : '1' } }
  )) });
  await writeFile(path, list('1'));
  const { batches, first } = await start(t, { paths: [path] });
  assert.equal(first.upserts.length, 3);
  await writeFile(path, list('2'));
  assert.deepEqual(summary(await batches.next()), ['b=2']);
});

test('An edit that changes no object is not sent', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'a.yaml'), configMap('a'));
  const { batches } = await start(t, { paths: [folder] });
  await writeFile(join(folder, 'a.yaml'), `# a comment\n${configMap('a').replace('metadata: { name: a }', 'metadata:\n  name: a')}`);
  await writeFile(join(folder, 'b.yaml'), configMap('b'));
  assert.deepEqual(summary(await batches.next()), ['b=1']);
});

test('A half-written file keeps its last good content and is reported until it is whole', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.yaml');
  const text = configMap('a') + configMap('b');
  await writeFile(path, text);
  await writeFile(join(folder, 'other.yaml'), configMap('other'));
  const { batches } = await start(t, { paths: [folder] });
  await truncate(path, text.length - 3);
  const broken = await batches.next();
  assert.deepEqual(summary(broken), ['!10']);
  assert.equal(broken.problems[0]?.position?.file, path);
  assert.match(broken.problems[0]?.effect ?? '', /last good content/);
  await writeFile(join(folder, 'other.yaml'), configMap('other', '2'));
  assert.deepEqual(summary(await batches.next()), ['other=2', '!10'], 'other files are not held up');
  await writeFile(path, configMap('a') + configMap('b', '2'));
  assert.deepEqual(summary(await batches.next()), ['b=2']);
});

test('A file that is not text, too large or emptied keeps its last good content', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.yaml');
  await writeFile(path, configMap('a'));
  const { batches } = await start(t, { paths: [folder] });
  const contents = [Buffer.from('a: \xff', 'latin1'), Buffer.from(`\uFEFF${configMap('a', '2')}`, 'utf16le'), Buffer.alloc(32 * 1024 * 1024 + 1, '#'), Buffer.from(' \n')];
  const rules: string[] = [];
  for (const content of contents) {
    await writeFile(path, content);
    const batch = await batches.next();
    assert.equal(batch.deletes.length + batch.upserts.length, 0);
    rules.push(batch.problems[0]?.rule ?? '');
    await writeFile(path, configMap('a'));
    assert.deepEqual(summary(await batches.next()), []);
  }
  assert.deepEqual(rules.map((rule) => rule.split(':')[0]), [
    'must be text in UTF-8', 'must be text in UTF-8', 'must be at most 33554432 bytes long', 'must not be emptied',
  ]);
});

test('An object that turns undecodable keeps its last good form', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.yaml');
  const service = (type: string): string =>
    `apiVersion: v1\nkind: Service\nmetadata: { name: s }\nspec: { type: ${type}, ports: [{ port: 80 }] }\n`;
  await writeFile(path, service('ClusterIP'));
  const { batches } = await start(t, { paths: [folder] });
  await writeFile(path, service('Nonsense') + configMap('a'));
  assert.deepEqual(summary(await batches.next()), ['a=1', '!4 spec.type']);
  await writeFile(path, service('ClusterIP') + configMap('a'));
  assert.deepEqual(summary(await batches.next()), [], 'mended: the form that downstream has is right again');
  await writeFile(path, configMap('a'));
  assert.deepEqual(summary(await batches.next()), ['-s']);
});

test('While a file holds something without identity, nothing of it is deleted', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.yaml');
  await writeFile(path, configMap('a') + configMap('b'));
  const { batches } = await start(t, { paths: [folder] });
  await writeFile(path, configMap('a') + configMap('b', '2').replace('name:', 'nmae:'));
  assert.deepEqual(summary(await batches.next()), ['!9 metadata.name']);
  await writeFile(path, configMap('a'));
  assert.deepEqual(summary(await batches.next()), ['-b']);
});

test('Of two copies of an object the first in path order counts', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'b.yaml'), configMap('x', 'b') + configMap('x', 'again'));
  const { batches, first } = await start(t, { paths: [folder] });
  assert.deepEqual(summary(first), ['x=b', '!7']);
  assert.match(first.problems[0]?.rule ?? '', /b\.yaml:2 defines it already/);
  await writeFile(join(folder, 'a.yaml'), configMap('x', 'a'));
  assert.deepEqual(summary(await batches.next()), ['x=a', '!2', '!7']);
  await rm(join(folder, 'a.yaml'));
  assert.deepEqual(summary(await batches.next()), ['x=b', '!7']);
});

test('A file that is replaced by rename is read again, as often as it happens', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.yaml');
  await writeFile(path, configMap('a'));
  const { batches } = await start(t, { paths: [path] });
  for (const value of ['2', '3', '4']) {
    await writeFile(join(folder, '.a.yaml.swp'), configMap('a', value));
    await rename(join(folder, '.a.yaml.swp'), path);
    assert.deepEqual(summary(await batches.next()), [`a=${value}`]);
  }
});

test('A given file that is deleted loses its objects and is read again once it is back', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.yaml');
  await writeFile(path, configMap('a'));
  const { batches } = await start(t, { paths: [path] });
  await rm(path);
  const gone = await batches.next();
  assert.deepEqual(summary(gone), ['-a', '!1']);
  assert.equal(gone.problems[0]?.rule, 'must exist');
  await writeFile(path, configMap('a', '2'));
  assert.deepEqual(summary(await batches.next()), ['a=2']);
});

test('Mounted ConfigMaps change by a swap of the ..data link, all files at once', async (t) => {
  const folder = await temporaryFolder(t);
  const publish = async (version: string): Promise<void> => {
    await mkdir(join(folder, `..${version}`));
    await writeFile(join(folder, `..${version}`, 'a.yaml'), configMap('a', version));
    await writeFile(join(folder, `..${version}`, 'b.yaml'), configMap('b', version));
    await symlink(`..${version}`, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  await publish('v1');
  await symlink('..data/a.yaml', join(folder, 'a.yaml'));
  await symlink('..data/b.yaml', join(folder, 'b.yaml'));
  const { batches, first } = await start(t, { paths: [folder] });
  assert.deepEqual(summary(first), ['a=v1', 'b=v1']);
  for (const version of ['v2', 'v3', 'v4']) {
    await publish(version);
    assert.deepEqual(summary(await batches.next()), [`a=${version}`, `b=${version}`]);
  }
});

test('A given path that is a link is followed when it is swapped', async (t) => {
  const folder = await temporaryFolder(t);
  const link = join(folder, 'current');
  for (const version of ['v1', 'v2']) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, 'a.yaml'), configMap('a', version));
  }
  await symlink('v1', link);
  const { batches, first } = await start(t, { paths: [link] });
  assert.deepEqual(summary(first), ['a=v1']);
  await symlink('v2', join(folder, 'next'));
  await rename(join(folder, 'next'), link);
  assert.deepEqual(summary(await batches.next()), ['a=v2']);
  await writeFile(join(folder, 'v2', 'a.yaml'), configMap('a', 'v3'));
  assert.deepEqual(summary(await batches.next()), ['a=v3']);
});

test('A given folder that is moved away keeps its objects and is followed when it is back', async (t) => {
  const folder = await temporaryFolder(t);
  const manifests = join(folder, 'manifests');
  await mkdir(manifests);
  await writeFile(join(manifests, 'a.yaml'), configMap('a'));
  const { batches } = await start(t, { paths: [`./${relative(process.cwd(), manifests)}`] });
  await rename(manifests, join(folder, 'away'));
  const away = await batches.next();
  assert.deepEqual(summary(away), ['!1']);
  assert.equal(away.problems[0]?.rule, 'must exist');
  await writeFile(join(folder, 'away', 'b.yaml'), configMap('b'));
  await rename(join(folder, 'away'), manifests);
  assert.deepEqual(summary(await batches.next()), ['b=1']);
  await writeFile(join(manifests, 'a.yaml'), configMap('a', '2'));
  assert.deepEqual(summary(await batches.next()), ['a=2']);
});

test('A folder inside that is moved away takes its objects along and brings them back', async (t) => {
  const folder = await temporaryFolder(t);
  const outside = await temporaryFolder(t);
  await mkdir(join(folder, 'sub'));
  await writeFile(join(folder, 'sub', 'a.yaml'), configMap('a'));
  const { batches } = await start(t, { paths: [folder] });
  await rename(join(folder, 'sub'), join(outside, 'sub'));
  assert.deepEqual(summary(await batches.next()), ['-a']);
  await rename(join(outside, 'sub'), join(folder, 'sub'));
  assert.deepEqual(summary(await batches.next()), ['a=1']);
  await writeFile(join(folder, 'sub', 'a.yaml'), configMap('a', '2'));
  assert.deepEqual(summary(await batches.next()), ['a=2']);
});

test('Links to nothing and links in circles are survived', async (t) => {
  const folder = await temporaryFolder(t);
  await symlink('.', join(folder, 'loop'));
  await symlink('self.yaml', join(folder, 'self.yaml'));
  await writeFile(join(folder, 'target'), configMap('a'));
  await symlink('target', join(folder, 'a.yaml'));
  const { batches, first } = await start(t, { paths: [folder] });
  assert.deepEqual(summary(first), ['a=1', '!1']);
  await rm(join(folder, 'target'));
  assert.deepEqual(summary(await batches.next()), ['!1', '!1'], 'a link to nothing keeps what it led to');
});

test('Constant change does not hold up a batch', async (t) => {
  const folder = await temporaryFolder(t);
  const { batches } = await start(t, { paths: [folder], debounceMs: 60_000, maxDelayMs: 1 });
  await writeFile(join(folder, 'a.yaml'), configMap('a'));
  assert.deepEqual(summary(await batches.next()), ['a=1']);
});

test('Changes that nobody announces are found by looking', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.yaml');
  await writeFile(path, configMap('a'));
  const { batches } = await start(t, { paths: [folder], debounceMs: 60_000, maxDelayMs: 60_000, rescanMs: 10 });
  await appendFile(path, configMap('b'));
  assert.deepEqual(summary(await batches.next()), ['b=1']);
});

test('Nothing is delivered after stop, and stop may be called at any time and twice', async (t) => {
  const folder = await temporaryFolder(t);
  const { batches, stop } = await start(t, { paths: [folder], debounceMs: 1, maxDelayMs: 1 });
  await writeFile(join(folder, 'a.yaml'), configMap('a'));
  await stop();
  const seen = batches.waiting;
  await writeFile(join(folder, 'b.yaml'), configMap('b'));
  await Promise.all([stop(), stop()]);
  await readFile(join(folder, 'b.yaml'));
  assert.equal(batches.waiting, seen);
  const unstarted = createManifestSource({ paths: [folder] });
  await unstarted.stop();
});
