import { internalError } from '../../apiError.ts';
import { invalidValue, type FieldError } from '../../fieldError.ts';
import { copy, list, record, records, same, scalar, text, type JsonObject, type KubeObject } from '../../json.ts';
import type { StrategyContext } from '../../resourceType.ts';
import { isExternallyReachable } from './serviceDefaults.ts';
import { clusterFamilies, familyOf, freeAddress, isInRange, serviceIndex, type ServiceIndex, type ServiceRanges } from './serviceAddresses.ts';

/** Whether the Service has node ports. */
export function needsNodePorts(spec: JsonObject): boolean {
  return spec['type'] === 'NodePort' || (spec['type'] === 'LoadBalancer' && spec['allocateLoadBalancerNodePorts'] !== false);
}

function needsHealthCheckPort(spec: JsonObject): boolean {
  return spec['type'] === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local';
}

/** Fields of an update that stay as they were where it does not say them, and fields that a change of type takes away. */
export function prepareService(service: KubeObject, old: KubeObject | null): void {
  const spec = copy(record(service['spec']));
  service['spec'] = spec;
  const before = record(old?.['spec']);
  if (old !== null) keepAllocated(spec, before);
  if (old !== null && spec['type'] !== before['type']) dropByType(spec, before);
  if (spec['type'] === 'ExternalName') for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) delete spec[field];
  service['status'] ??= { loadBalancer: {} };
  // clusterIP is the first of clusterIPs; who says only one of them means both.
  const [first] = list(spec['clusterIPs']).map(text);
  const single = text(spec['clusterIP']);
  if (old === null || single !== text(before['clusterIP'])) {
    if (single !== '' && spec['clusterIPs'] === undefined) spec['clusterIPs'] = [single];
    else if (single !== '' && first !== single && same(spec['clusterIPs'], before['clusterIPs'])) spec['clusterIPs'] = [single];
  }
  if (single === '' && first !== undefined && old === null) spec['clusterIP'] = first;
  if (single === '' && old !== null && text(before['clusterIP']) !== '' && same(spec['clusterIPs'], before['clusterIPs'])) delete spec['clusterIPs'];
}

function keepAllocated(spec: JsonObject, before: JsonObject): void {
  const needs = (one: JsonObject): boolean => one['type'] !== 'ExternalName';
  if (needs(spec) && needs(before) && spec['clusterIP'] === undefined && spec['clusterIPs'] === undefined) {
    spec['clusterIP'] = before['clusterIP'];
    spec['clusterIPs'] = before['clusterIPs'];
  }
  if (needs(spec) && needs(before)) {
    spec['clusterIP'] ??= list(spec['clusterIPs'])[0];
    spec['clusterIPs'] ??= before['clusterIPs'];
    spec['ipFamilyPolicy'] ??= before['ipFamilyPolicy'];
    spec['ipFamilies'] ??= before['ipFamilies'];
  }
  if (needsNodePorts(spec) && needsNodePorts(before)) {
    for (const port of records(spec['ports'])) {
      const twin = records(before['ports']).find((one) => one['port'] === port['port'] && one['protocol'] === port['protocol']);
      if (port['nodePort'] === undefined && twin?.['nodePort'] !== undefined) port['nodePort'] = twin['nodePort'];
    }
  }
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(before)) spec['healthCheckNodePort'] ??= before['healthCheckNodePort'];
}

function dropByType(spec: JsonObject, before: JsonObject): void {
  const dropSame = (field: string): void => {
    if (same(spec[field], before[field])) delete spec[field];
  };
  if (before['type'] !== 'ExternalName' && spec['type'] === 'ExternalName') for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy']) dropSame(field);
  if (needsNodePorts(before) && !needsNodePorts(spec)) {
    const earlier = new Set(records(before['ports']).map(({ nodePort }) => nodePort));
    for (const port of records(spec['ports'])) if (earlier.has(port['nodePort'])) delete port['nodePort'];
  }
  if (before['type'] === 'LoadBalancer') for (const field of ['loadBalancerClass', 'allocateLoadBalancerNodePorts']) dropSame(field);
  if (needsHealthCheckPort(before) && !needsHealthCheckPort(spec)) dropSame('healthCheckNodePort');
  if (isExternallyReachable(before) && !isExternallyReachable(spec)) dropSame('externalTrafficPolicy');
  if (isExternallyReachable(spec)) spec['externalTrafficPolicy'] ??= 'Cluster';
}

/** Gives cluster IPs, families, node ports and the health check port; faults of what was asked for. */
export function allocateService(ranges: ServiceRanges, service: KubeObject, old: KubeObject | null, { storage, subresource }: StrategyContext): FieldError[] {
  if (subresource === 'status') return [];
  const spec = record(service['spec']);
  const index = serviceIndex(storage);
  const errors = [...allocateAddresses(ranges, spec, record(old?.['spec']), index)];
  const used = new UsedPorts(index.nodePorts, text(service.metadata.uid));
  if (needsNodePorts(spec)) errors.push(...allocateNodePorts(ranges, records(spec['ports']), used));
  else errors.push(...takePorts(ranges, records(spec['ports']), used));
  if (needsHealthCheckPort(spec)) spec['healthCheckNodePort'] ??= freePort(ranges, 'TCP', used);
  else if (spec['type'] !== 'LoadBalancer' || spec['externalTrafficPolicy'] !== 'Local') delete spec['healthCheckNodePort'];
  return errors;
}

function familiesOf(ranges: ServiceRanges, spec: JsonObject, before: JsonObject): string[] {
  const cluster = clusterFamilies(ranges);
  const given = list(spec['ipFamilies']).map(text);
  const fromAddresses = list(spec['clusterIPs']).map(text).filter((one) => one !== 'None' && one !== '').map(familyOf);
  const isHeadless = text(spec['clusterIP']) === 'None' || list(spec['clusterIPs'])[0] === 'None';
  if (spec['ipFamilyPolicy'] === undefined) {
    const asked = Math.max(given.length, list(spec['clusterIPs']).length);
    spec['ipFamilyPolicy'] = asked > 1 || (isHeadless && spec['selector'] === undefined) ? 'RequireDualStack' : 'SingleStack';
  }
  const families: string[] = given.length > 0 ? given : fromAddresses.length > 0 ? fromAddresses : [cluster[0] ?? 'IPv4'];
  const policy = spec['ipFamilyPolicy'];
  if (policy === 'SingleStack' && before['ipFamilyPolicy'] !== undefined && before['ipFamilyPolicy'] !== 'SingleStack') families.splice(1);
  const dual = policy === 'RequireDualStack' || policy === 'PreferDualStack';
  const canDual = cluster.length > 1 || (isHeadless && spec['selector'] === undefined && policy === 'RequireDualStack');
  if (dual && canDual && families.length === 1) families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4');
  return families;
}

function allocateAddresses(ranges: ServiceRanges, spec: JsonObject, before: JsonObject, index: ServiceIndex): FieldError[] {
  if (spec['type'] === 'ExternalName') return [];
  const errors: FieldError[] = [];
  const families = familiesOf(ranges, spec, before);
  spec['ipFamilies'] = families;
  if (spec['ipFamilyPolicy'] === 'RequireDualStack' && families.length < 2) {
    return [invalidValue('spec.ipFamilyPolicy', 'RequireDualStack', 'this cluster is not configured for dual-stack services')];
  }
  const given = list(spec['clusterIPs']).map(text).filter((one) => one !== '');
  if (given[0] === 'None') {
    spec['clusterIP'] = 'None';
    spec['clusterIPs'] = ['None'];
    return [];
  }
  const kept = new Set(list(before['clusterIPs']).map(text));
  const addresses = families.map((family, place) => {
    const wanted = given[place];
    if (wanted !== undefined) errors.push(...addressErrors(ranges, wanted, { kept, used: index.addresses, index: place }));
    const address = wanted ?? freeAddress(ranges, family, index, new Set(given));
    if (address === null) throw internalError('failed to allocate a serviceIP: range is full');
    return address ?? '';
  });
  spec['clusterIP'] = addresses[0];
  spec['clusterIPs'] = addresses;
  return errors;
}

function addressErrors(
  ranges: ServiceRanges, address: string, { kept, used, index }: { readonly kept: ReadonlySet<string>; readonly used: ReadonlySet<string>; readonly index: number },
): FieldError[] {
  if (kept.has(address)) return [];
  const fault = (why: string): FieldError[] => [invalidValue('spec.clusterIPs', [address], `failed to allocate IP ${address}: ${why}`)];
  if (!isInRange(ranges, address)) return fault(`the provided IP (${address}) is not in the valid range. The range of valid IPs is ${ranges.ranges[index] ?? ''}`);
  return used.has(address) ? fault('provided IP is already allocated') : [];
}

function allocateNodePorts(ranges: ServiceRanges, ports: readonly JsonObject[], used: UsedPorts): FieldError[] {
  const errors = takePorts(ranges, ports, used);
  const byNumber = new Map<unknown, unknown>();
  for (const port of ports) if (port['nodePort'] !== undefined) byNumber.set(port['port'], port['nodePort']);
  for (const port of ports) {
    if (port['nodePort'] !== undefined) continue;
    const protocol = text(port['protocol']);
    // The same port number by another protocol shares the node port, where it is free.
    const twin = byNumber.get(port['port']);
    const shared = twin !== undefined && !used.has(`${protocol}/${scalar(twin)}`) ? Number(twin) : freePort(ranges, protocol, used);
    port['nodePort'] = shared;
    used.add(`${protocol}/${shared}`);
    byNumber.set(port['port'], shared);
  }
  return errors;
}

function takePorts(ranges: ServiceRanges, ports: readonly JsonObject[], used: UsedPorts): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, port] of ports.entries()) {
    const number = port['nodePort'];
    if (typeof number !== 'number') continue;
    const key = `${text(port['protocol'])}/${number}`;
    const path = `spec.ports[${index}].nodePort`;
    if (number < ranges.firstNodePort || number > ranges.lastNodePort) {
      errors.push(invalidValue(path, number, `provided port is not in the valid range. The range of valid ports is ${ranges.firstNodePort}-${ranges.lastNodePort}`));
    } else if (used.has(key)) errors.push(invalidValue(path, number, 'provided port is already allocated'));
    used.add(key);
  }
  return errors;
}

function freePort({ firstNodePort, lastNodePort }: ServiceRanges, protocol: string, used: UsedPorts): number {
  for (let port = firstNodePort; port <= lastNodePort; port += 1) if (!used.has(`${protocol}/${port}`)) return port;
  throw internalError('failed to allocate a nodePort: range is full');
}

/** Node ports of other Services, and those this one has taken meanwhile. */
class UsedPorts {
  readonly #others: ReadonlyMap<string, string>;
  readonly #uid: string;
  readonly #own = new Set<string>();

  constructor(others: ReadonlyMap<string, string>, uid: string) {
    this.#others = others;
    this.#uid = uid;
  }

  has(port: string): boolean {
    const holder = this.#others.get(port);
    return this.#own.has(port) || (holder !== undefined && holder !== this.#uid);
  }

  add(port: string): void {
    this.#own.add(port);
  }
}
