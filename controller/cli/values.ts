import { isIP } from 'node:net';
import { RE2JS } from 're2js';
import { parseHeaderField, parseRequestUrl } from '../admin/requestUrl.ts';
import { parseIpAddress, printIpAddress } from '../../core/net/ipAddress.ts';
import type { PeerNode } from '../translate/translation.ts';
import { parseListenAddress, type ListenAddress } from '../runtime/listenAddress.ts';
import type { Parsed, ParseValue } from './flag.ts';

/** Any text that is not empty. `what` names it in the refusal: `a path`. */
export function text(what: string): ParseValue<string> {
  return (value) => (value === '' ? refuse(`${what}, not empty`) : accept(value));
}

/** A whole number in a range, both ends included. */
export function integer(least: number, most: number): ParseValue<number> {
  return (value) => {
    const number = /^[0-9]{1,15}$/.test(value) ? Number(value) : Number.NaN;
    return number >= least && number <= most ? accept(number) : refuse(`a whole number from ${least} to ${most}`);
  };
}

/** One of a few words. */
export function choice<const T extends string>(words: readonly T[]): ParseValue<T> {
  return (value) => {
    const word = words.find((candidate) => candidate === value);
    return word === undefined ? refuse(`one of ${words.join(', ')}`) : accept(word);
  };
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);
const MAX_DURATION_MS = 24 * 3_600_000;

/** A time span of at most 24 hours as Kubernetes writes them, `300s`, `5m`, `1m30s`, `500ms`; a bare number is seconds. In ms. */
export function duration(value: string): Parsed<number> {
  const expected = 'a duration up to 24h such as 300s, 5m, 1m30s or 500ms';
  const parts = [...value.matchAll(/([0-9]{1,9})(ms|s|m|h)/g)];
  const whole = parts.map((part) => part[0]).join('') === value;
  if (/^[0-9]{1,9}$/.test(value)) return withinDay(Number(value) * 1000, expected);
  if (!whole || parts.length === 0) return refuse(expected);
  const ms = parts.reduce((sum, part) => sum + Number(part[1]) * (UNIT_MS.get(part[2] ?? '') ?? Number.NaN), 0);
  return withinDay(ms, expected);
}

/** `ADDR:PORT`; see parseListenAddress. */
export function listenAddress(value: string): Parsed<ListenAddress> {
  const address = parseListenAddress(value);
  return address === null
    ? refuse('ADDR:PORT with an IP address and a port from 0 to 65535, such as 127.0.0.1:8080 or [::]:8080')
    : accept(address);
}

/** IP version → bits of an address. */
const ADDRESS_BITS: ReadonlyMap<number, number> = new Map([
  [4, 32],
  [6, 128],
]);

/** `10.0.0.0/8`, `2001:db8::/32`; a plain address stands for itself alone. Given back with its prefix length. */
export function cidr(value: string): Parsed<string> {
  const [address = '', prefix, ...rest] = value.split('/');
  const bits = ADDRESS_BITS.get(isIP(address)) ?? 0;
  const length = prefix === undefined ? bits : /^[0-9]{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  return bits > 0 && rest.length === 0 && length <= bits && !address.includes('%')
    ? accept(`${address}/${length}`)
    : refuse('an IP address or a CIDR such as 10.0.0.0/8 or 2001:db8::/32');
}

/** A Kubernetes object name (RFC 1123 subdomain). */
export function objectName(value: string): Parsed<string> {
  return isObjectName(value) ? accept(value) : refuse('a Kubernetes name: lower-case letters, digits, "-" and "."');
}

/** `NAMESPACE/NAME`. */
export function namespacedName(value: string): Parsed<string> {
  const parts = value.split('/');
  return parts.length === 2 && parts.every(isObjectName) ? accept(value) : refuse('NAMESPACE/NAME, such as gatehouse/settings');
}

/** A class as IngressClass.spec.controller and spec.loadBalancerClass have it: `gatehouse.dev/lb`, the part before "/" optional. */
export function controllerClass(value: string): Parsed<string> {
  const parts = value.split('/');
  const name = /^[A-Za-z0-9](?:[-A-Za-z0-9._]{0,61}[A-Za-z0-9])?$/;
  const known = parts.length <= 2 && name.test(parts.at(-1) ?? '') && (parts.length === 1 || isObjectName(parts[0] ?? ''));
  return known ? accept(value) : refuse('a class such as gatehouse.dev/lb');
}

/** Longest regular expression that is taken. */
const MAX_EXPRESSION_CHARS = 256;

/** A regular expression as RE2 has them: none of them takes long to match. */
export function regularExpression(value: string): Parsed<string> {
  const expected = `a regular expression (RE2) of at most ${MAX_EXPRESSION_CHARS} characters`;
  if (value === '' || value.length > MAX_EXPRESSION_CHARS) return refuse(expected);
  try {
    RE2JS.compile(value);
    return accept(value);
  } catch {
    return refuse(expected);
  }
}

/** `NAME=ADDRESS`: a node and one of its IP addresses, in canonical form. */
export function peerNode(value: string): Parsed<PeerNode> {
  const [name = '', text = '', ...rest] = value.split('=');
  const address = parseIpAddress(text);
  const known = rest.length === 0 && isObjectName(name) && address !== null;
  return known ? accept({ name, address: printIpAddress(address) }) : refuse('NAME=ADDRESS with the name of a node and an IP address, such as node-b=10.0.0.2');
}

/** A header field, `name: value`. */
export function headerField(value: string): Parsed<readonly [string, string]> {
  const field = parseHeaderField(value);
  return field === null ? refuse('a header field such as "x-canary: always"') : accept(field);
}

/** An IP address literal. */
export function ipAddress(value: string): Parsed<string> {
  return isIP(value) === 0 ? refuse('an IP address') : accept(value);
}

/** What a load balancer's status may show: an IP address or a DNS name. */
export function statusAddress(value: string): Parsed<string> {
  return isIP(value) !== 0 || isObjectName(value) ? accept(value) : refuse('an IP address or a DNS name');
}

/** An absolute URL; `http://` is added when there is no scheme. */
export function requestUrl(value: string): Parsed<string> {
  const url = value.includes('://') ? value : `http://${value}`;
  return parseRequestUrl(url) === null ? refuse('a URL such as http://shop.test/cart') : accept(url);
}

function withinDay(ms: number, expected: string): Parsed<number> {
  return ms <= MAX_DURATION_MS ? accept(ms) : refuse(expected);
}

function isObjectName(value: string): boolean {
  return value.length <= 253 && /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(value);
}

function accept<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function refuse(expected: string): { readonly ok: false; readonly expected: string } {
  return { ok: false, expected };
}
