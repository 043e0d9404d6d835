import { makeLeaf, type Issued } from './certificates.ts';

/** One malformed manifest beside healthy ones: what it looks like, what must be said about it, and how it looks when fixed. */
export interface MalformedForm {
  readonly name: string;
  readonly text: string;
  /** The problem: line of `text` from 1, field, and patterns for the rule that is broken and the value that breaks it. */
  readonly problem: {
    readonly line: number;
    readonly object: string | null;
    readonly field: string;
    readonly rule: RegExp;
    readonly value: RegExp;
  };
  /** Written in its place later; the problem must go then. */
  readonly fixed: string;
}

const web = makeLeaf(null, 'web.test', { dnsNames: ['*.test'] });
const other = makeLeaf(null, 'other.test');
const expired = makeLeaf(null, 'expired.test', { notBeforeMs: Date.now() - 2 * 86_400_000, notAfterMs: Date.now() - 86_400_000 });

interface IngressParts {
  readonly host?: string;
  readonly path?: string;
  readonly service?: string;
  /** Lines below `annotations:`, indented by four. */
  readonly annotations?: string;
  /** Lines of `spec`, indented by two. */
  readonly spec?: string;
  readonly createdAt?: string;
}

/** An Ingress as a person writes it; path on line 15 without annotations and further spec lines. */
function ingressText(name: string, parts: IngressParts = {}): string {
  const { host = `${name}.test`, path = '/', service = 'web', annotations = '', spec = '', createdAt } = parts;
  return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
  namespace: default
${createdAt === undefined ? '' : `  creationTimestamp: ${createdAt}\n`}${annotations === '' ? '' : `  annotations:\n${annotations}\n`}spec:
${spec}  rules:
    - host: ${host}
      http:
        paths:
          - path: ${path}
            pathType: Prefix
            backend:
              service:
                name: ${service}
                port:
                  number: 80
`;
}

function secretText(name: string, certificate: string, key: string): string {
  const encode = (pem: string): string => Buffer.from(pem).toString('base64');
  return `apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: { name: ${name}, namespace: default }
data:
  tls.crt: ${encode(certificate)}
  tls.key: ${encode(key)}
`;
}

function tlsSpec(name: string): string {
  return `  tls:\n    - hosts: [${name}.test]\n      secretName: ${name}\n`;
}

function annotation(name: string, value: string): string {
  return `    nginx.ingress.kubernetes.io/${name}: ${value}`;
}

const CANARY = [annotation('canary', '"true"'), annotation('canary-by-header', 'X-Version')].join('\n');

function manyRules(lastPath: string): string {
  const rule = (index: number): string =>
    `    - host: rule-${index}.many.test\n      http:\n        paths:\n` +
    `          - { path: ${index === 4321 ? lastPath : '/'}, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }\n`;
  return ingressText('many-rules') + Array.from({ length: 5000 }, (_, index) => rule(index)).join('');
}

/** Each name nine times the one before: 9^9 texts in all. */
function billionLaughs(): string {
  const names = 'abcdefghi'.split('');
  const line = (name: string, index: number): string => {
    const value = index === 0 ? 'lol' : `*${names[index - 1]}`;
    return `${name}: &${name} [${Array.from({ length: 9 }, () => value).join(', ')}]\n`;
  };
  return names.map(line).join('');
}

function v1beta1(name: string): string {
  return `apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata:
  name: ${name}
  namespace: default
spec:
  rules:
    - host: ${name}.test
      http:
        paths:
          - path: /
            backend:
              serviceName: web
              servicePort: 80
`;
}

/** The same object with both halves of what it needs: an Ingress and the TLS Secret it names. */
function withSecret(name: string, leaf: Issued, key: Issued = leaf): string {
  return `${ingressText(name, { spec: tlsSpec(name) })}---\n${secretText(name, leaf.chainPem, key.privateKeyPem)}`;
}

/** Private keys that stand in the manifests, in PEM: no line of them may ever be printed. */
export const PRIVATE_KEYS: readonly string[] = [web, other, expired].map(({ privateKeyPem }) => privateKeyPem);

/** The forms of hardening that name what must not disturb healthy neighbours. */
export const MALFORMED_FORMS: readonly MalformedForm[] = [
  {
    name: 'bad-regex',
    text: ingressText('bad-regex', { annotations: `${CANARY}\n${annotation('canary-by-header-pattern', '"(["')}` }),
    problem: { line: 9, object: 'bad-regex', field: 'metadata.annotations[nginx.ingress.kubernetes.io/canary-by-header-pattern]', rule: /RE2 pattern/, value: /^"\(\["$/ },
    fixed: ingressText('bad-regex'),
  },
  {
    name: 'unknown-value',
    text: ingressText('unknown-value', { annotations: annotation('load-balance', 'fastest') }),
    problem: { line: 7, object: 'unknown-value', field: 'metadata.annotations[nginx.ingress.kubernetes.io/load-balance]', rule: /one of round_robin/, value: /^"fastest"$/ },
    fixed: ingressText('unknown-value', { annotations: annotation('load-balance', 'ewma') }),
  },
  {
    name: 'missing-secret',
    text: ingressText('missing-secret', { spec: tlsSpec('missing-secret') }),
    problem: { line: 9, object: 'missing-secret', field: 'spec.tls[0].secretName', rule: /Secret that exists/, value: /^"missing-secret"$/ },
    fixed: withSecret('missing-secret', web),
  },
  {
    name: 'mismatch',
    text: withSecret('mismatch', web, other),
    problem: { line: 28, object: 'mismatch', field: 'data[tls.key]', rule: /private key of the certificate/, value: /another key/ },
    fixed: withSecret('mismatch', web),
  },
  {
    name: 'expired',
    text: withSecret('expired', expired),
    problem: { line: 27, object: 'expired', field: 'data[tls.crt]', rule: /expired/, value: /^not after \d{4}-/ },
    fixed: withSecret('expired', web),
  },
  {
    name: 'missing-service',
    text: ingressText('missing-service', { service: 'nowhere' }),
    problem: { line: 15, object: 'missing-service', field: 'spec.rules[0].http.paths[0].backend.service.name', rule: /Service that exists/, value: /^"nowhere"$/ },
    fixed: ingressText('missing-service'),
  },
  {
    name: 'no-endpoints',
    text: `${ingressText('no-endpoints', { service: 'empty' })}---
apiVersion: v1
kind: Service
metadata: { name: empty, namespace: default }
spec: { ports: [{ port: 80 }] }
`,
    problem: { line: 15, object: 'no-endpoints', field: 'spec.rules[0].http.paths[0].backend.service.name', rule: /ready endpoint/, value: /^"empty"$/ },
    fixed: ingressText('no-endpoints'),
  },
  {
    name: 'duplicate',
    text: ingressText('duplicate', { host: 'healthy-0.test', createdAt: '2026-01-01T00:00:00Z' }),
    problem: { line: 12, object: 'duplicate', field: 'spec.rules[0].http.paths[0]', rule: /older Ingress/, value: /^"healthy-0\.test prefix \/"$/ },
    fixed: ingressText('duplicate'),
  },
  {
    name: 'one-megabyte',
    text: ingressText('one-megabyte', { annotations: `    example.com/note: "${'x'.repeat(1024 * 1024)}"` }),
    problem: { line: 6, object: 'one-megabyte', field: 'metadata.annotations', rule: /at most 262144 bytes/, value: /^10\d{5}$/ },
    fixed: ingressText('one-megabyte'),
  },
  {
    name: 'many-rules',
    text: manyRules('bad'),
    problem: { line: 17_305, object: 'many-rules', field: 'spec.rules[4322].http.paths[0].path', rule: /begin with "\/"/, value: /^"bad"$/ },
    fixed: manyRules('/good'),
  },
  {
    name: 'prototype-annotations',
    text: ingressText('prototype-annotations', { annotations: '    constructor: polluted\n    __proto__: polluted', path: '/__proto__' }),
    problem: { line: 8, object: 'prototype-annotations', field: 'metadata.annotations[__proto__]', rule: /letters, digits/, value: /^"polluted"$/ },
    fixed: ingressText('prototype-annotations', { annotations: '    constructor: polluted' }),
  },
  {
    name: 'prototype-spec',
    text: 'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: prototype-spec, namespace: default }\nspec:\n  __proto__: { rules: [] }\n  rules: { constructor: 1 }\n',
    problem: { line: 6, object: 'prototype-spec', field: 'spec.rules', rule: /must be a list/, value: /a map/ },
    fixed: ingressText('prototype-spec'),
  },
  {
    name: 'unicode',
    text: ingressText('unicode', { host: '"\u0430\u202edmin\\e[31m.test"' }),
    problem: { line: 8, object: 'unicode', field: 'spec.rules[0].host', rule: /DNS name/, value: /dmin/ },
    fixed: ingressText('unicode'),
  },
  {
    name: 'half-written',
    text: `${ingressText('half-written').split('  rules:')[0]}  rules: [{ host: "half`,
    problem: { line: 7, object: null, field: '', rule: /valid YAML/, value: /^/ },
    fixed: ingressText('half-written'),
  },
  {
    name: 'cut-off',
    text: ingressText('cut-off').slice(0, -'rvice:\n                name: web\n                port:\n                  number: 80\n'.length),
    problem: { line: 13, object: 'cut-off', field: 'spec.rules[0].http.paths[0].backend', rule: /must be a map/, value: /^"se"$/ },
    fixed: ingressText('cut-off'),
  },
  {
    name: 'wrong-path',
    text: ingressText('wrong-path', { path: '[1]' }),
    problem: { line: 11, object: 'wrong-path', field: 'spec.rules[0].http.paths[0].path', rule: /must be a string/, value: /a list/ },
    fixed: ingressText('wrong-path'),
  },
  {
    name: 'wrong-port',
    text: ingressText('wrong-port').replace('number: 80', 'number: "eighty"'),
    problem: { line: 17, object: 'wrong-port', field: 'spec.rules[0].http.paths[0].backend.service.port.number', rule: /whole number/, value: /^"eighty"$/ },
    fixed: ingressText('wrong-port'),
  },
  {
    name: 'unquoted',
    text: ingressText('unquoted', { annotations: annotation('canary', 'true') }),
    problem: { line: 7, object: 'unquoted', field: 'metadata.annotations[nginx.ingress.kubernetes.io/canary]', rule: /put the value in quotes/, value: /^true$/ },
    fixed: ingressText('unquoted', { annotations: annotation('canary', '"false"') }),
  },
  {
    name: 'old-version',
    text: v1beta1('old-version'),
    problem: { line: 1, object: 'old-version', field: 'apiVersion', rule: /write networking\.k8s\.io\/v1/, value: /v1beta1/ },
    fixed: ingressText('old-version'),
  },
  {
    name: 'billion-laughs',
    text: billionLaughs(),
    problem: { line: 8, object: null, field: '', rule: /aliases/, value: /^/ },
    fixed: ingressText('billion-laughs'),
  },
];
