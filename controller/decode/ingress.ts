import { isBeta, type Decoding } from './decoding.ts';
import { MAX_ENTRIES, type FieldReader } from './fieldReader.ts';
import { HOST } from './hostForm.ts';
import { decodeBackend, decodeBetaBackend } from './ingressBackend.ts';
import { decodePath, type BackendDecoder } from './ingressPath.ts';
import { decodeLoadBalancer } from './loadBalancerStatus.ts';
import { DNS_SUBDOMAIN, type TextForm } from './textForm.ts';
import type { Ingress, IngressBackend, IngressPath, IngressRule, IngressTls } from '../model/ingress.ts';

const RULE_HOST: TextForm = { rule: HOST.rule, matches: (text) => text === '' || HOST.matches(text) };
const SECRET_NAME: TextForm = {
  rule: DNS_SUBDOMAIN.rule,
  matches: (text) => text === '' || DNS_SUBDOMAIN.matches(text),
};

/** networking.k8s.io/v1 Ingress, and the v1beta1 forms that came before it. Null when its class or shape is faulty. */
export function decodeIngress(decoding: Decoding): Ingress | null {
  const { object, base } = decoding;
  const spec = object.requiredMap('spec');
  if (spec === null) return null;
  const beta = isBeta(decoding);
  const decodeOneBackend = beta ? decodeBetaBackend : decodeBackend;
  const ingress: Ingress = {
    ...base,
    kind: 'Ingress',
    ingressClassName: spec.text('ingressClassName', DNS_SUBDOMAIN),
    defaultBackend: decodeDefaultBackend(spec, beta),
    rules: decodeAll(spec.elements('rules', { max: MAX_ENTRIES, effect: 'the rule is left out' }), (rule) =>
      decodeRule(rule, { beta, decodeBackend: decodeOneBackend }),
    ),
    tls: decodeAll(spec.elements('tls', { max: MAX_ENTRIES, effect: 'the TLS entry is left out' }), decodeTls),
    statusLoadBalancer: decodeLoadBalancer(object.status('its published addresses are not known')),
  };
  // What is left would be a default backend for every host: far more than was asked for.
  const emptied = ingress.rules.length === 0 && isFilledList(spec.value('rules'));
  if (emptied && ingress.defaultBackend !== null) spec.fail('rules', 'must have a rule without faults');
  reportEmpty(spec, beta);
  return object.failed ? null : ingress;
}

function decodeDefaultBackend(spec: FieldReader, beta: boolean): IngressBackend | null {
  const effect = 'the Ingress has no default backend';
  if (!beta && spec.has('backend')) {
    const rule = 'is the v1beta1 form: write spec.defaultBackend';
    spec.report({ field: spec.path('backend'), rule, value: spec.value('backend'), effect });
  }
  const reader = spec.element(beta && spec.has('backend') ? 'backend' : 'defaultBackend', effect);
  if (reader === null) return null;
  const backend = beta ? decodeBetaBackend(reader) : decodeBackend(reader);
  return reader.failed ? null : backend;
}

function decodeRule(rule: FieldReader, form: { beta: boolean; decodeBackend: BackendDecoder }): IngressRule | null {
  const host = rule.text('host', RULE_HOST) ?? '';
  const http = rule.map('http');
  const paths = http === null ? null : decodePaths(http, form);
  return rule.failed ? null : { host, paths, field: rule.field };
}

function decodePaths(http: FieldReader, form: { beta: boolean; decodeBackend: BackendDecoder }): IngressPath[] {
  const readers = http.elements('paths', { max: MAX_ENTRIES, effect: 'the path is left out' });
  const value = http.value('paths');
  if (value === undefined || (Array.isArray(value) && value.length === 0)) {
    http.fail('paths', 'must have at least one path');
  }
  return decodeAll(readers, (path) => decodePath(path, form));
}

function decodeTls(tls: FieldReader): IngressTls | null {
  const hosts = tls.texts('hosts', HOST, { max: MAX_ENTRIES, effect: 'the host is left out' });
  const secretName = tls.text('secretName', SECRET_NAME) ?? '';
  // Without its hosts the entry would mean every name of its certificate.
  const emptied = hosts.length === 0 && isFilledList(tls.value('hosts'));
  return tls.failed || emptied ? null : { hosts, secretName, field: tls.field };
}

function reportEmpty(spec: FieldReader, beta: boolean): void {
  if (isFilledList(spec.value('rules'))) return;
  if (spec.has('defaultBackend') || spec.has('backend') || spec.failed) return;
  const rule = `must have rules or ${beta ? 'backend' : 'defaultBackend'}`;
  spec.report({ field: spec.field, rule, effect: 'the Ingress serves nothing' });
}

function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function decodeAll<T>(readers: readonly FieldReader[], decode: (reader: FieldReader) => T | null): T[] {
  return readers.map(decode).filter((element) => element !== null);
}
