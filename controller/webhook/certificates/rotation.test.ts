import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { silentLogger } from '../../../core/log/logger.ts';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { KubeError } from '../../cluster/kubeApi.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import { createWebhookApi, type WebhookApi } from '../testing/webhookApi.ts';
import { readBundle } from './authorityBundle.ts';
import { createCertificateKeeper, serviceDnsNames, type CertificateKeeper, type WebhookNames } from './certificateKeeper.ts';
import { servingPairOf } from './secretSource.ts';

const SEED = testSeed();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NAMES: WebhookNames = { namespace: 'gatehouse', secret: 'gatehouse-webhook-tls', service: 'gatehouse-webhook', configuration: 'gatehouse' };

/** Something that is seen some seconds after it has happened, never out of order. */
function lagging<T>(initial: T): { set(value: T, atMs: number): void; at(nowMs: number): T } {
  let seen = initial;
  let coming: { readonly value: T; readonly atMs: number }[] = [];
  return {
    set: (value, atMs) => void coming.push({ value, atMs: Math.max(atMs, coming.at(-1)?.atMs ?? 0) }),
    at: (nowMs) => {
      for (const { value, atMs } of coming) if (atMs <= nowMs) seen = value;
      coming = coming.filter(({ atMs }) => atMs > nowMs);
      return seen;
    },
  };
}

/** API servers and replicas around one simulated API, each behind by its own few seconds. */
interface World {
  nowMs: number;
  readonly api: WebhookApi;
  readonly keepers: readonly CertificateKeeper[];
  leader: number;
}

function createWorld(startMs: number): World {
  const api = createWebhookApi();
  const world: World = { nowMs: startMs, api, leader: 0, keepers: [] };
  const keeper = (index: number): CertificateKeeper =>
    createCertificateKeeper({
      api,
      leadership: { isLeader: () => world.leader === index, holder: () => null, onChange: () => () => {} },
      names: NAMES,
      logger: silentLogger,
      nowMs: () => world.nowMs,
    });
  return Object.assign(world, { keepers: [keeper(0), keeper(1), keeper(2)] });
}

/** Why a client that trusts `bundle` and calls the Service would refuse this certificate; null: it would not. */
function refusalOf(certificatePem: string, bundle: string, nowMs: number): string | null {
  const leaf = new X509Certificate(certificatePem);
  const authorities = readBundle(Buffer.from(bundle)).authorities;
  const valid = (certificate: X509Certificate): boolean => certificate.validFromDate.getTime() <= nowMs && nowMs < certificate.validToDate.getTime();
  if (!valid(leaf)) return `not valid: ${leaf.validFrom} to ${leaf.validTo}`;
  if (serviceDnsNames(NAMES).some((name) => leaf.checkHost(name) === undefined)) return 'wrong name';
  const issuer = authorities.find((authority) => leaf.checkIssued(authority) && leaf.verify(authority.publicKey));
  if (issuer === undefined) return `unknown issuer ${leaf.issuer}`;
  return valid(issuer) ? null : `issuer not valid: ${issuer.validFrom} to ${issuer.validTo}`;
}

interface Options {
  readonly years: number;
  readonly seed: number;
  /** Faults of the API, garbage in the Secret. */
  readonly hostile: boolean;
}

/** Runs years in steps; asserts at each that every API server's trust fits what every replica shows. */
async function simulate({ years, seed, hostile }: Options): Promise<{ readonly servings: number; readonly bundles: number }> {
  const random = seededRandom(seed);
  const startMs = Date.UTC(2026, 0, 1);
  const world = createWorld(startMs);
  const { api } = world;
  const replicas = Array.from({ length: 3 }, () => lagging<string | null>(null));
  const servers = Array.from({ length: 2 }, () => lagging<readonly string[]>(['', '']));
  const servings = new Set<string>();
  const bundles = new Set<string>();
  const judged = new Map<string, string | null>();
  let last = '';
  let bootMs = 0;
  if (hostile) {
    api.fault = () => {
      if (random() > 0.1) return null;
      return new KubeError((['unreachable', 'timeout', 'conflict', 'server'] as const)[Math.floor(random() * 4)] ?? 'server', 'simulated');
    };
  }

  function spread(): void {
    const state = JSON.stringify([api.data, api.bundles]);
    if (state === last) return;
    last = state;
    const { object } = decodeObject(api.secret(), null);
    const pair = object?.kind === 'Secret' ? servingPairOf(object) : null;
    for (const replica of replicas) if (pair !== null) replica.set(pair.certificatePem, world.nowMs + random() * 30_000);
    for (const server of servers) server.set([...(api.bundles ?? [])], world.nowMs + random() * 10_000);
    if (pair !== null) servings.add(pair.certificatePem);
    bundles.add(api.bundles?.[0] ?? '');
  }

  function check(): void {
    // Before everybody has seen the very first certificate nobody can connect, and nobody could be told to.
    if (bootMs === 0 || world.nowMs < bootMs + 30_000) return;
    for (const server of servers) {
      for (const bundle of server.at(world.nowMs)) {
        for (const replica of replicas) {
          const shown = replica.at(world.nowMs);
          assert.ok(shown !== null, 'a replica shows a certificate');
          const key = `${bundle}${shown}${Math.floor(world.nowMs / HOUR_MS)}`;
          if (!judged.has(key)) judged.set(key, refusalOf(shown, bundle, world.nowMs));
          assert.equal(judged.get(key), null, new Date(world.nowMs).toISOString());
        }
      }
    }
    judged.clear();
  }

  while (world.nowMs < startMs + years * 365 * DAY_MS) {
    if (random() < 0.05) world.leader = Math.floor(random() * 3);
    const before = last;
    await world.keepers[world.leader]?.round().catch((error: unknown) => assert.ok(error instanceof KubeError, String(error)));
    if (hostile && bootMs > 0 && random() < 0.005) damage(api, random);
    spread();
    if (bootMs === 0 && (api.bundles ?? []).every((bundle) => bundle !== '')) bootMs = world.nowMs;
    const settled = before === last && !readFaulty(api);
    const hopMs = settled && random() < 0.7 ? random() * DAY_MS : random() * 30_000;
    world.nowMs += hopMs;
    check();
  }
  return { servings: servings.size, bundles: bundles.size };
}

/** True while the Secret is not whole: time then passes in small steps, as the keeper looks every half minute. */
function readFaulty(api: WebhookApi): boolean {
  return !['ca.crt', 'ca.key', 'tls.crt', 'tls.key'].every((key) => api.data[key] !== undefined && api.data[key].length > 100);
}

function damage(api: WebhookApi, random: () => number): void {
  const keys = Object.keys(api.data);
  const one = keys[Math.floor(random() * keys.length)] ?? 'ca.crt';
  if (random() < 0.3) api.data = {};
  else if (random() < 0.5) delete api.data[one];
  else api.data[one] = Buffer.from('garbage').toString('base64');
}

test('Over five years every certificate is renewed and at no moment an API server meets a replica it cannot trust', async () => {
  const { servings, bundles } = await simulate({ years: 5, seed: SEED, hostile: false });
  // A serving certificate lasts 60 of its 90 days, an authority 243 of its 365; each changes the bundle coming and going.
  assert.ok(servings >= 28 && servings <= 36, `${servings} serving certificates`);
  assert.ok(bundles >= 8 && bundles <= 18, `${bundles} bundles`);
});

test(`Nor with a faulty API, changing leaders and a Secret that loses its content again and again (GATEHOUSE_SEED=${SEED})`, async () => {
  await simulate({ years: 2, seed: SEED, hostile: true });
});
