import type { Certificate, CertificateKey } from '../../../core/ir/certificate.ts';
import type { Problem } from '../../../core/ir/problem.ts';
import { ANY_HOST, parseHostPattern, wildcardOf, type HostPattern } from '../../../core/net/hostPattern.ts';
import { certificateCovers, readCertificate, type CertificateReading } from '../../certificates/readCertificate.ts';
import type { IngressTls } from '../../model/ingress.ts';
import type { Secret } from '../../model/objects.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareText } from '../ingressAge.ts';
import type { IngressPlan } from '../ingressPlan.ts';
import { problemOf, type Finding } from '../problemOf.ts';

const DEFAULT_KEY = 'default' as CertificateKey;

/** Which certificate answers which server name. */
export interface AssignedCertificates {
  /** Used certificates, those shown to backends included, and `default`, sorted by key. */
  readonly certificates: ReadonlyMap<CertificateKey, Certificate>;
  /** Sorted by name. */
  readonly serverNames: ReadonlyMap<HostPattern, CertificateKey>;
  /** Hosts of rules for which an Ingress configures TLS, with whatever certificate. */
  readonly tlsHosts: ReadonlySet<HostPattern>;
  readonly problems: readonly Problem[];
}

/** One tls entry with its certificate. */
interface TlsEntry {
  readonly plan: IngressPlan;
  readonly tls: IngressTls;
  readonly hosts: readonly HostPattern[];
  /** Null: no Secret named, or none that can be used. */
  readonly reading: (CertificateReading & { readonly certificate: Certificate }) | null;
}

interface Assignment {
  readonly objects: ObjectIndex;
  readonly nowMs: number;
  readonly serverNames: Map<HostPattern, Certificate>;
  readonly tlsHosts: Set<HostPattern>;
  /** Secrets whose faults are reported already. */
  readonly secrets: Set<Secret>;
  readonly problems: Problem[];
}

/**
 * Certificates by server name. For the host of a rule: the first tls entry that lists it, else the first whose certificate
 * covers it; of several Ingresses the oldest that has a certificate for the host. Hosts that only tls entries name come after
 * that. A certificate that is missing, broken or made for other names leaves the host with the default one. Plans come oldest
 * first; canaries are not asked, as they own no host.
 */
export function assignCertificates(
  plans: readonly IngressPlan[],
  objects: ObjectIndex,
  options: {
    readonly defaultCertificate: Certificate;
    readonly nowMs: number;
    /** Shown to backends; they answer no server name. */
    readonly clientCertificates: ReadonlyMap<CertificateKey, Certificate>;
  },
): AssignedCertificates {
  const assignment: Assignment = {
    objects,
    nowMs: options.nowMs,
    serverNames: new Map(),
    tlsHosts: new Set(),
    secrets: new Set(),
    problems: [],
  };
  const withTls = plans.filter((plan) => plan.canary === null && plan.ingress.tls.length > 0);
  const entries = withTls.map((plan) => plan.ingress.tls.map((tls) => entryOf(plan, tls, assignment)));
  for (const [index, plan] of withTls.entries()) assignRuleHosts(plan, entries[index] ?? [], assignment);
  for (const [index, plan] of withTls.entries()) assignListedHosts(plan, entries[index] ?? [], assignment);
  return finish(assignment, new Map([...options.clientCertificates, [DEFAULT_KEY, options.defaultCertificate]]));
}

function entryOf(plan: IngressPlan, tls: IngressTls, assignment: Assignment): TlsEntry {
  const hosts: HostPattern[] = [];
  for (const text of tls.hosts) {
    const host = text === '' ? null : parseHostPattern(text);
    if (host !== null) hosts.push(host);
    else {
      const rule = 'must be DNS names, or "*." and a DNS name';
      const effect = 'the host is left out';
      report(plan, { severity: 'error', field: `${tls.field}.hosts`, rule, value: text, effect }, assignment);
    }
  }
  return { plan, tls, hosts, reading: tls.secretName === '' ? null : readSecret(plan, tls, assignment) };
}

function readSecret(plan: IngressPlan, tls: IngressTls, assignment: Assignment): TlsEntry['reading'] {
  const secret = assignment.objects.get('Secret', plan.ref.namespace, tls.secretName);
  const field = `${tls.field}.secretName`;
  const effect = 'the default certificate is served';
  if (secret === undefined) {
    const rule = `must name a Secret that exists in namespace ${plan.ref.namespace}`;
    report(plan, { severity: 'error', field, rule, value: tls.secretName, effect }, assignment);
    return null;
  }
  const reading = readCertificate(secret, assignment.nowMs);
  reportSecret(secret, reading, assignment);
  const { certificate } = reading;
  if (certificate !== null) return { ...reading, certificate };
  const rule = 'must name a Secret with a usable certificate';
  report(plan, { severity: 'error', field, rule, value: tls.secretName, effect }, assignment);
  return null;
}

/** Faults of a Secret are reported at the Secret, once, however many entries name it. */
function reportSecret(secret: Secret, reading: CertificateReading, assignment: Assignment): void {
  if (assignment.secrets.has(secret)) return;
  assignment.secrets.add(secret);
  for (const fault of reading.faults) {
    const { severity, field, rule, value, effect } = fault;
    // The reader prints values itself: it alone knows what in a Secret may be shown.
    assignment.problems.push({ ...problemOf(secret, { severity, field, rule, effect }), value });
  }
}

function assignRuleHosts(plan: IngressPlan, entries: readonly TlsEntry[], assignment: Assignment): void {
  for (const host of plan.hosts) {
    if (host === ANY_HOST) continue;
    const listing = entries.find((entry) => entry.hosts.some((listed) => lists(listed, host)));
    const entry = listing ?? entries.find(({ reading }) => reading !== null && certificateCovers(reading.names, host));
    if (entry === undefined) continue;
    assignment.tlsHosts.add(host);
    assign(host, entry, assignment);
  }
}

/** Names that stand in tls entries alone; for an Ingress of every host also the names of a certificate without listed hosts. */
function assignListedHosts(plan: IngressPlan, entries: readonly TlsEntry[], assignment: Assignment): void {
  const ruleHosts = new Set(plan.hosts);
  for (const entry of entries) {
    for (const host of entry.hosts) if (!ruleHosts.has(host)) assign(host, entry, assignment);
    if (entry.hosts.length > 0 || !ruleHosts.has(ANY_HOST)) continue;
    for (const name of entry.reading?.names ?? []) {
      const host = parseHostPattern(name);
      if (host !== null && host !== ANY_HOST) assign(host, entry, assignment);
    }
  }
}

function assign(host: HostPattern, { plan, tls, reading }: TlsEntry, assignment: Assignment): void {
  if (reading === null) return;
  if (certificateCovers(reading.names, host)) {
    if (!assignment.serverNames.has(host)) assignment.serverNames.set(host, reading.certificate);
    return;
  }
  report(
    plan,
    {
      severity: 'error',
      field: `${tls.field}.secretName`,
      rule: `must name a certificate for ${host}; Secret ${tls.secretName} has one for ${reading.names.slice(0, 5).join(', ')}`,
      value: tls.secretName,
      effect: `the default certificate is served for ${host}`,
    },
    assignment,
  );
}

function lists(listed: HostPattern, host: HostPattern): boolean {
  return listed === host || (!host.startsWith('*') && listed === wildcardOf(host));
}

function finish(assignment: Assignment, besides: ReadonlyMap<CertificateKey, Certificate>): AssignedCertificates {
  const { serverNames, tlsHosts, problems } = assignment;
  const used = new Map(besides);
  for (const certificate of serverNames.values()) used.set(certificate.key, certificate);
  return {
    certificates: new Map([...used].toSorted(([a], [b]) => compareText(a, b))),
    serverNames: new Map(
      [...serverNames].toSorted(([a], [b]) => compareText(a, b)).map(([host, certificate]) => [host, certificate.key]),
    ),
    tlsHosts,
    problems,
  };
}

function report(plan: IngressPlan, finding: Finding, assignment: Assignment): void {
  assignment.problems.push(problemOf(plan.ingress, finding));
}
