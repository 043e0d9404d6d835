import { isIP } from 'node:net';
import { Environment } from '@marcbachmann/cel-js';
import ipaddr from 'ipaddr.js';
import { isAddress, isCidr } from './formats.ts';

class Address {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

class Range {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** CEL with the functions that Kubernetes adds. */
export const CEL_ENVIRONMENT: Environment = createEnvironment();

function createEnvironment(): Environment {
  const env = new Environment({ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false, enableOptionalTypes: true });
  env.registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn');
  registerStrings(env);
  registerLists(env);
  registerAddresses(env);
  return env;
}

function registerStrings(env: Environment): void {
  env.registerFunction('string.charAt(int): string', (text: string, index: bigint) => text.at(Number(index)) ?? '');
  env.registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) => text.replaceAll(from, to));
  env.registerFunction('string.find(string): string', (text: string, pattern: string) => new RegExp(pattern, 'u').exec(text)?.[0] ?? '');
  env.registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) => text.match(new RegExp(pattern, 'gu')) ?? []);
  env.registerFunction('isURL(string): bool', (text: string) => URL.canParse(text));
}

function registerLists(env: Environment): void {
  const less = (one: never, other: never): number => (one < other ? -1 : one > other ? 1 : 0);
  env.registerFunction('list<dyn>.isSorted(): bool', (values: never[]) => values.every((value, index) => index === 0 || less(values[index - 1] as never, value) <= 0));
  env.registerFunction('list<dyn>.sum(): dyn', (values: (bigint & number)[]) => values.reduce<bigint | number>((sum, value) => (typeof value === 'bigint' ? BigInt(sum) + value : Number(sum) + value), 0n));
  env.registerFunction('list<dyn>.min(): dyn', (values: never[]) => values.toSorted(less)[0]);
  env.registerFunction('list<dyn>.max(): dyn', (values: never[]) => values.toSorted(less).at(-1));
  env.registerFunction('list<dyn>.indexOf(dyn): int', (values: unknown[], value: unknown) => BigInt(values.indexOf(value)));
  env.registerFunction('list<dyn>.lastIndexOf(dyn): int', (values: unknown[], value: unknown) => BigInt(values.lastIndexOf(value)));
}

function parsed(text: string): ipaddr.IPv4 | ipaddr.IPv6 {
  if (isIP(text) === 0) throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return ipaddr.parse(text);
}

function contains(range: string, address: string): boolean {
  const [network, prefix] = ipaddr.parseCIDR(range);
  const candidate = parsed(address);
  return candidate.kind() === network.kind() && candidate.match(network as never, prefix);
}

/** The network address of a range, its bits beyond the prefix cleared. */
function masked(range: string): string {
  const [address, prefix] = ipaddr.parseCIDR(range);
  const octets = address.toByteArray().map((octet, index) => octet & (0xff << Math.min(8, Math.max(0, 8 * (index + 1) - prefix)) & 0xff));
  return `${ipaddr.fromByteArray(octets).toString()}/${prefix}`;
}

function registerAddresses(env: Environment): void {
  env.registerType('net.IP', Address).registerType('net.CIDR', Range);
  env.registerFunction('isIP(string): bool', isAddress);
  env.registerFunction('isCIDR(string): bool', (text: string) => isCidr(text));
  env.registerFunction('ip(string): net.IP', (text: string) => new Address(parsed(text).toString()));
  env.registerFunction('cidr(string): net.CIDR', (text: string) => {
    if (!isCidr(text)) throw new Error(`network address parse error during conversion from string: ${JSON.stringify(text)}`);
    return new Range(text);
  });
  env.registerFunction('string(net.IP): string', ({ text }: Address) => text);
  env.registerFunction('string(net.CIDR): string', ({ text }: Range) => text);
  env.registerFunction('net.IP.family(): int', ({ text }: Address) => BigInt(isIP(text)));
  const ranges: readonly (readonly [string, string])[] = [
    ['isUnspecified', 'unspecified'], ['isLoopback', 'loopback'], ['isLinkLocalUnicast', 'linkLocal'],
  ];
  for (const [name, range] of ranges) env.registerFunction(`net.IP.${name}(): bool`, ({ text }: Address) => parsed(text).range() === range);
  env.registerFunction('net.IP.isLinkLocalMulticast(): bool', ({ text }: Address) => /^224\.0\.0\.|^ff.2:/.test(text));
  env.registerFunction('net.IP.isGlobalUnicast(): bool', ({ text }: Address) => !['unspecified', 'loopback', 'linkLocal', 'multicast', 'broadcast'].includes(parsed(text).range()));
  env.registerFunction('net.CIDR.containsIP(string): bool', ({ text }: Range, address: string) => contains(text, address));
  env.registerFunction('net.CIDR.containsIP(net.IP): bool', ({ text }: Range, address: Address) => contains(text, address.text));
  const containsRange = (outer: string, inner: string): boolean =>
    contains(outer, inner.split('/')[0] ?? '') && Number(inner.split('/')[1]) >= Number(outer.split('/')[1]);
  env.registerFunction('net.CIDR.containsCIDR(string): bool', ({ text }: Range, inner: string) => containsRange(text, inner));
  env.registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', ({ text }: Range, inner: Range) => containsRange(text, inner.text));
  env.registerFunction('net.CIDR.ip(): net.IP', ({ text }: Range) => new Address(text.split('/')[0] ?? ''));
  env.registerFunction('net.CIDR.prefixLength(): int', ({ text }: Range) => BigInt(text.split('/')[1] ?? '0'));
  env.registerFunction('net.CIDR.masked(): net.CIDR', ({ text }: Range) => new Range(masked(text)));
}
