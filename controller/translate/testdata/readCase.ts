import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { parseAllDocuments } from 'yaml';
import type { CertificateKey } from '../../../core/ir/certificate.ts';
import type { Cluster } from '../../../core/ir/cluster.ts';
import { printProblem, type Problem } from '../../../core/ir/problem.ts';
import { printSnapshot } from '../../../core/ir/printSnapshot.ts';
import type { ServiceAssignment } from '../../allocator/assignment.ts';
import { issueCertificate } from '../../certificates/issueCertificate.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import type { KubeObject } from '../../model/objects.ts';
import { ObjectStore } from '../../model/store.ts';
import { readSettings } from '../steps/readSettings.ts';
import { translate } from '../translate.ts';
import type { TranslateOptions } from '../translation.ts';

/** What a test case gives to translation. */
export interface TranslationCase {
  readonly objects: readonly KubeObject[];
  readonly options: TranslateOptions;
  /** Found by the decoder. */
  readonly problems: readonly Problem[];
}

/** Options that hold unless a case says otherwise: Ingresses need no class, time stands still. */
export const CASE_OPTIONS: TranslateOptions = {
  controllerNames: ['gatehouse.dev/ingress', 'k8s.io/ingress-nginx'],
  ingressClasses: ['nginx', 'gatehouse'],
  watchWithoutClass: true,
  watchNamespaces: [],
  allowExternalName: false,
  allowLocalBackends: false,
  configMap: null,
  trustedProxies: [],
  defaultCertificate: {
    key: 'default' as CertificateKey,
    chainPem: '',
    privateKeyPem: '',
    fingerprint: 'default',
    notAfterMs: Date.parse('2036-01-01T00:00:00Z'),
  },
  nowMs: Date.parse('2026-01-01T00:00:00Z'),
  assignments: new Map(),
  allocation: 'give',
  loadBalancerClass: { name: 'gatehouse.dev/lb', required: false },
  openelbOptIn: false,
  kernelRefusal: 'not in this test',
  leaseRefusal: null,
  peers: [],
  cordonMovesVips: false,
  vips: 'auto',
  localAddresses: [],
  nodeName: 'one',
  publishService: null,
  tcpServices: null,
  udpServices: null,
  l4Addresses: ['0.0.0.0'],
  reserved: [],
};

const NOT_BEFORE_MS = Date.parse('2025-01-01T00:00:00Z');
let signingKey: KeyObject | null = null;

/**
 * Reads a multi-document case. Besides Kubernetes objects it may hold `kind: TranslateOptions` with a `spec` of options, and
 * `kind: TestCertificate` with `spec.dnsNames` and `spec.notAfter`, which becomes a TLS Secret (so that no key is kept in files).
 */
export function readCase(text: string): TranslationCase {
  const objects: KubeObject[] = [];
  const problems: Problem[] = [];
  let options = CASE_OPTIONS;
  for (const document of parseAllDocuments(text)) {
    const value = document.toJS() as Record<string, unknown> | null;
    if (value === null) continue;
    if (value['kind'] === 'TranslateOptions') {
      options = { ...options, ...readOptions(value['spec'] as Readonly<Record<string, unknown>>) };
      continue;
    }
    const decoded = decodeObject(value['kind'] === 'TestCertificate' ? tlsSecret(value) : value, null);
    problems.push(...decoded.problems);
    if (decoded.object !== null) objects.push(decoded.object);
  }
  return { objects, options, problems };
}

/** Options as they are, but for `assignments`, which is written as an object. */
function readOptions({ assignments, ...others }: Readonly<Record<string, unknown>>): Partial<TranslateOptions> {
  const given = assignments === undefined ? {} : { assignments: new Map(Object.entries(assignments as Assignments)) };
  return { ...(others as Partial<TranslateOptions>), ...given };
}

type Assignments = Readonly<Record<string, ServiceAssignment>>;

/** Translates a case and prints everything that comes out; what is as by default is printed as the word `default`. */
export function printTranslation({ objects, options, problems }: TranslationCase): string {
  const store = new ObjectStore();
  store.apply({ upserts: objects, deletes: [] });
  const translation = translate(store, options);
  const builtIn = readSettings(new ObjectStore(), CASE_OPTIONS);
  const { l4Listeners, passthrough, ...snapshot } = printSnapshot(translation.snapshot);
  const printed = {
    snapshot: {
      ...snapshot,
      settings: abbreviate(snapshot.settings, builtIn.settings),
      virtualHosts: snapshot.virtualHosts.map(({ host, clientAuth, routes }) => ({
        host,
        ...(clientAuth === undefined ? {} : { clientAuth: { ...clientAuth, ...countPem(clientAuth) } }),
        routes: routes.map((route) => ({ ...route, policy: abbreviate(route.policy, builtIn.defaults.policy) })),
      })),
      clusters: snapshot.clusters.map(printCluster),
      // Made anew by each run.
      certificates: snapshot.certificates.map(({ key, notAfterMs }) => ({ key, notAfterMs })),
      ...unlessEmpty({ l4Listeners, passthrough }),
    },
    ingresses: translation.ingresses,
    ...unlessEmpty({ services: translation.services, assignments: [...translation.assignments], vipListeners: translation.vipListeners }),
    ...unlessEmpty({ forwarded: [...translation.announcer.ports.values()], announced: [...translation.announcer.vips.values()] }),
    ...unlessEmpty({ peers: [...translation.announcer.bgp.peers.values()], routes: [...translation.announcer.bgp.routes.values()] }),
    problems: [...problems, ...translation.problems].map(printProblem),
  };
  return `${JSON.stringify(printed, null, 2)}\n`;
}

/** Without the lists that hold nothing, so that cases without L4 say nothing of it. */
function unlessEmpty(lists: Readonly<Record<string, readonly unknown[]>>): Record<string, readonly unknown[]> {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

function printCluster(cluster: Cluster): unknown {
  const tls = cluster.transport?.tls ?? null;
  return tls === null ? cluster : { ...cluster, transport: { ...cluster.transport, tls: { ...tls, ...countPem(tls) } } };
}

/** PEM texts as the number of their blocks. */
function countPem(texts: { readonly authoritiesPem: string | null; readonly crlPem?: string | null }): Record<string, unknown> {
  const count = (text: string | null): unknown => (text === null ? null : `${text.split('-----BEGIN').length - 1} PEM`);
  const crl = texts.crlPem === undefined ? {} : { crlPem: count(texts.crlPem) };
  return { authoritiesPem: count(texts.authoritiesPem), ...crl };
}

function abbreviate(value: unknown, usual: unknown): unknown {
  return JSON.stringify(value) === JSON.stringify(usual) ? 'default' : value;
}

function tlsSecret(value: Record<string, unknown>): unknown {
  signingKey ??= generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const spec = value['spec'] as { readonly dnsNames: readonly string[]; readonly notAfter: string };
  const chain = issueCertificate(
    { commonName: 'test', dnsNames: spec.dnsNames, notBeforeMs: NOT_BEFORE_MS, notAfterMs: Date.parse(spec.notAfter), usage: 'server' },
    createPublicKey(signingKey),
    { commonName: 'test', privateKey: signingKey },
  );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: value['metadata'],
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': chain, 'tls.key': signingKey.export({ type: 'pkcs8', format: 'pem' }) },
  };
}
