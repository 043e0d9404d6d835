import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { suite, test } from 'node:test';
import { createAdminServer } from '../controller/admin/adminServer.ts';
import type { AdminViews } from '../controller/admin/adminViews.ts';
import { BGP_PEERS_SCHEMA, BGP_ROUTES_SCHEMA } from '../controller/admin/bgpSchemas.ts';
import { ANNOUNCEMENTS_SCHEMA, ENDPOINTS_SCHEMA, EXPLANATION_SCHEMA, POOLS_SCHEMA, STATUS_SCHEMA } from '../controller/admin/schemas.ts';
import { EXIT } from '../controller/cli/command.ts';
import { ObjectStore } from '../controller/model/store.ts';
import { makeDefaultCertificate } from '../controller/certificates/defaultCertificate.ts';
import { DEFAULT_TRANSLATION, translateOptions } from '../controller/runtime/translationChoices.ts';
import { SERVICE_ROWS } from '../controller/translate/l4/serviceRows.ts';
import { DENYING_SETTINGS, SETTINGS } from '../controller/translate/settings/table.ts';
import { translate } from '../controller/translate/translate.ts';
import { REFUSAL_REASONS } from '../controller/writers/problemReason.ts';
import { silentLogger } from '../core/log/logger.ts';
import { FLOOD_LIMITS } from '../proxy/http/h2/floodGuard.ts';
import { createJsonLine } from '../proxy/observe/jsonLine.ts';
import { streamStatus } from '../proxy/observe/l4Line.ts';
import { printed, testRecord, testTry } from '../proxy/observe/testRecord.ts';
import type { L4Outcome } from '../proxy/l4/l4Record.ts';
import { COMMANDS, GENERATED, renewSections } from './support/generatedDocs.ts';
import { NO_BGP_REPORT } from '../controller/announcer/bgp/bgpReport.ts';
import { AnnouncerJournal } from '../controller/status/announcementsView.ts';

const ROOT = join(import.meta.dirname, '..');
const UPDATE = process.env['GATEHOUSE_UPDATE'] === '1';
const MAX_COLUMNS = 140;

/** Every page, by its path in the checkout. */
const pages: ReadonlyMap<string, string> = new Map(
  [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'examples/README.md',
    ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
  ].map((name) => [name, readFileSync(join(ROOT, name), 'utf8')]),
);

function page(name: string): string {
  return pages.get(name) ?? assert.fail(`there is no page ${name}`);
}

/** First cells of the table rows of a page, without their backticks; several in one cell count each. */
function rowNames(text: string): readonly string[] {
  return [...text.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

suite('what the code offers stands in the docs', () => {
  for (const [file, sections] of GENERATED) {
    test(`docs/${file} says what flags and families say of themselves`, () => {
      const text = page(`docs/${file}`);
      const renewed = renewSections(text, sections);
      if (UPDATE) writeFileSync(join(ROOT, 'docs', file), renewed);
      assert.equal(text, renewed, 'run this test with GATEHOUSE_UPDATE=1');
    });
  }

  test('every command has a section of its flags', () => {
    for (const { text } of COMMANDS) assert.ok(page('docs/configuration.md').includes(`### gatehouse ${text.name}\n`), text.name);
  });

  test('every flag and environment variable that any page names exists', () => {
    const help = COMMANDS.map((command) => command.help()).join('\n');
    for (const [name, text] of pages) {
      for (const [line] of text.matchAll(/^.*gatehouse (?:run|check|explain|status|bgp|demo)\b.*$/gm)) {
        for (const [flag] of line.matchAll(/(?<=\s)--[a-z][a-z-]+/g)) assert.ok(help.includes(flag), `${name}: ${flag}`);
      }
      for (const [twin] of text.matchAll(/\bGATEHOUSE_[A-Z_]+\b/g)) {
        assert.ok(help.includes(twin) || ['GATEHOUSE_UPDATE', 'GATEHOUSE_SEED', 'GATEHOUSE_REQUIRE_ALL', 'GATEHOUSE_FAILOVER_RUNS'].includes(twin), `${name}: ${twin}`);
      }
    }
    assert.equal(EXIT.usage, 2, 'docs/configuration.md says so');
  });

  test('every ConfigMap key is documented', () => {
    for (const key of [...SETTINGS.keys(), ...DENYING_SETTINGS]) assert.ok(page('docs/annotations.md').includes(`\`${key}\``), key);
  });

  test('docs/logging.md lists exactly the keys of the JSON access log', () => {
    const line = JSON.parse(printed(createJsonLine(), testRecord({ tries: [testTry()] }))) as Readonly<Record<string, unknown>>;
    const [first] = line['upstream'] as readonly object[];
    const keys = [...Object.keys(line), ...Object.keys(first ?? {}).map((key) => `upstream[].${key}`)];
    const documented = rowNames(section(page('docs/logging.md'), 'The access log as JSON')).filter((name) => !name.includes(' '));
    assert.deepEqual(documented.toSorted(), keys.toSorted());
  });

  test('docs/logging.md lists exactly the keys of the JSON lines of connections and sessions', () => {
    const keys = [...(/const line = \{([^]+?)\n {4}\};/.exec(source('proxy/observe/l4Line.ts'))?.[1] ?? '').matchAll(/^ {6}(\w+):/gm)];
    assert.deepEqual(rowNames(section(page('docs/logging.md'), 'Connections and sessions')).toSorted(), keys.map(([, key = '']) => key).toSorted());
  });

  test('docs/l4.md lists every annotation of Services, every outcome with its status, and why datagrams are dropped', () => {
    const [settings = '', seeing = ''] = page('docs/l4.md').split('## Seeing it');
    for (const { name } of Object.values(SERVICE_ROWS)) assert.ok(settings.includes(`| \`${name}\` |`), name);
    const record = source('proxy/l4/l4Record.ts');
    const members = (type: string): readonly string[] => {
      const [, union = ''] = new RegExp(`type ${type} =([^]+?);\n`).exec(record) ?? [];
      return [...union.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, member = '']) => member);
    };
    const [outcomes = '', drops = ''] = seeing.split('UDP datagrams that begin no session');
    assert.deepEqual(rowNames(outcomes).filter((name) => name !== 'status').toSorted(), members('L4Outcome').toSorted());
    for (const outcome of members('L4Outcome')) {
      assert.ok(outcomes.includes(`| \`${outcome}\` | ${streamStatus(outcome as L4Outcome)} |`), outcome);
    }
    assert.deepEqual(rowNames(drops).toSorted(), members('DatagramDrop').toSorted());
  });

  test('docs/http2-and-grpc.md states every limit against floods', () => {
    const limits = section(page('docs/http2-and-grpc.md'), 'Limits').split('And without a rate')[0] ?? '';
    const stated = [...limits.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \|/gm)];
    const documented = stated.map(([, name, burst, perSecond]) => [name, { burst: Number(burst), perSecond: Number(perSecond) }]);
    assert.deepEqual(Object.fromEntries(documented), FLOOD_LIMITS);
  });

  test('docs/troubleshooting.md lists exactly the reasons and upstream errors there are', () => {
    const [answers, errors] = ['answered by', 'upstream errors'].map((heading) => section(page('docs/troubleshooting.md'), heading));
    const reasons = source('proxy/observe/answerReason.ts').matchAll(/^ {2}\| '(\w+)'/gm);
    assert.deepEqual(new Set(rowNames(answers ?? '')), new Set(['upstream', ...[...reasons].map(([, reason]) => reason)]));
    const union = /readonly code:([^]+?)readonly detail/.exec(source('proxy/http/upstream.ts'))?.[1] ?? '';
    const codes = [...union.replaceAll(/\/\*\*[^*]*\*\//g, '').matchAll(/'(\w+)'/g)].map(([, code]) => code);
    assert.ok(codes.length > 0, 'the union of codes is where it was');
    assert.deepEqual(new Set(rowNames(errors ?? '')), new Set(codes));
  });

  test('docs/cluster.md lists every reason of conditions and Events, and docs/metrics.md every change of leaders', () => {
    const text = page('docs/cluster.md');
    const reasons = (heading: string): readonly string[] => rowNames(text.split(`\n### ${heading}\n`)[1]?.split('\n### ')[0]?.split('\n## ')[0] ?? '');
    const conditions = new Set(reasons('Condition of a Service: gatehouse.dev/AddressAssigned'));
    assert.deepEqual(conditions, new Set(Object.values(REFUSAL_REASONS)));
    const events = ['problemReason', 'eventWish', 'sessionEvent'].map((file) => source(`controller/writers/${file}.ts`)).join('\n');
    const told = events.matchAll(/reason: '([A-Z]\w+)'|eventOf\(service, '(\w+)'|return '([A-Z]\w+)'|INVALID = '(\w+)'/g);
    assert.deepEqual(new Set(reasons('Events')), new Set([...told].flatMap(([, ...names]) => names.filter((name) => name !== undefined))));
    const losses = /type LossReason =([^]+?);\n/.exec(source('controller/election/electionState.ts'))?.[1] ?? '';
    for (const [, loss = ''] of losses.matchAll(/'(\w+)'/g)) assert.ok(section(page('docs/metrics.md'), 'The cluster').includes(`\`${loss}\``), loss);
  });

  test('ARCHITECTURE.md states every limit with its default', () => {
    const options = translateOptions(DEFAULT_TRANSLATION, makeDefaultCertificate(Date.now()), Date.now());
    const { settings } = translate(new ObjectStore(), options).snapshot;
    for (const [name, value] of Object.entries({ ...settings.limits, ...settings.upstreamKeepAlive })) {
      assert.match(page('ARCHITECTURE.md'), new RegExp(`^\\| \`${name}\` \\| ${value}\\b`, 'm'), name);
    }
  });
});

test('docs/admin-api.md lists every path, and every field of the answers', async (context) => {
  const views: AdminViews = {
    ready: () => false,
    status: () => assert.fail(),
    snapshot: () => null,
    pools: () => [],
    bgp: () => NO_BGP_REPORT,
    announcements: () => new AnnouncerJournal().view(null),
    explain: async () => null,
    endpoints: async () => null,
    metrics: async () => '',
  };
  const server = createAdminServer({ listen: { address: '127.0.0.1', port: 0 }, views, logger: silentLogger });
  const { port } = await server.start();
  context.after(() => server.stop());
  const { paths } = (await (await fetch(`http://127.0.0.1:${port}/nothing`)).json()) as { readonly paths: readonly string[] };
  const text = page('docs/admin-api.md');
  for (const path of paths) assert.ok(text.includes(`\`${path}\``), path);
  for (const name of fieldsOf([STATUS_SCHEMA, EXPLANATION_SCHEMA, ENDPOINTS_SCHEMA, POOLS_SCHEMA, ANNOUNCEMENTS_SCHEMA, BGP_PEERS_SCHEMA, BGP_ROUTES_SCHEMA])) assert.match(text, new RegExp(`["\`]${name}["\`]`), name);
});

suite('what the docs name exists', () => {
  test('every link leads to a file, and to a heading where it names one', () => {
    for (const [name, text] of pages) {
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [file = '', anchor] = target.split('#');
        const path = relative(ROOT, join(ROOT, dirname(name), file));
        assert.ok(existsSync(join(ROOT, path)), `${name}: ${target}`);
        if (anchor !== undefined) assert.ok(anchorsOf(file === '' ? text : page(path)).includes(anchor), `${name}: ${target}`);
      }
    }
  });

  test('every file and folder of the code that a page names', () => {
    const trees = ['core', 'controller', 'proxy', 'test', 'bench'].flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }));
    const sources = new Set(trees.map((path) => basename(path)));
    for (const [name, text] of pages) {
      for (const [, path = ''] of text.matchAll(/`((?:core|controller|proxy|test|bench|examples|bin|docs)\/[\w./-]+)`/g)) {
        assert.ok(existsSync(join(ROOT, path)), `${name}: ${path}`);
      }
      for (const [, file = ''] of text.matchAll(/`([a-z]\w*(?:\.test)?\.ts)`/gi)) assert.ok(sources.has(file), `${name}: ${file}`);
    }
  });

  test('every npm script', () => {
    const { scripts } = JSON.parse(source('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    for (const [name, text] of pages) {
      for (const [, script = ''] of text.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:]+)/g)) {
        assert.ok(script in scripts, `${name}: npm ${script}`);
      }
    }
  });

  test('every package that README.md explains, and no package without an explanation', () => {
    const { dependencies, optionalDependencies } = JSON.parse(source('package.json')) as Readonly<Record<string, Readonly<Record<string, string>>>>;
    const section = page('README.md').split('## Packages used')[1]?.split('\n## ')[0] ?? '';
    for (const name of [...Object.keys(dependencies ?? {}), ...Object.keys(optionalDependencies ?? {})]) assert.ok(section.includes(name), name);
  });
});

test('no line of a page is too long to read', () => {
  for (const [name, text] of pages) {
    if (name === 'docs/annotations.md' || name.startsWith('docs/decisions/')) continue;
    for (const [index, line] of text.split('\n').entries()) assert.ok(line.length <= MAX_COLUMNS, `${name}:${index + 1} has ${line.length} columns`);
  }
});

function source(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The text of a page below one of its headings, up to the next. */
function section(text: string, heading: string): string {
  return text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? assert.fail(`there is no heading ${heading}`);
}

/** Names of all properties in JSON schemas. */
function fieldsOf(schema: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const properties: unknown = Reflect.get(value, 'properties');
    if (typeof properties === 'object' && properties !== null) for (const name of Object.keys(properties)) names.add(name);
    for (const part of Object.values(value)) walk(part);
  };
  walk(schema);
  return names;
}

/** Anchors of the headings of a page, as GitHub makes them. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading.toLowerCase().replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-'),
  );
}
