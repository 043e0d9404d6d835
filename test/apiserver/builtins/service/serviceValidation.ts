import { isIP } from 'node:net';
import { duplicate, forbiddenField, invalidValue, notSupported, required, type FieldError } from '../../fieldError.ts';
import { at, list, record, records, same, scalar, text, type JsonObject, type KubeObject } from '../../json.ts';
import { isLabel, isSubdomain, qualifiedNameFault } from '../../names.ts';
import { isCidr } from '../../schema/formats.ts';
import { isExternallyReachable } from './serviceDefaults.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const FAMILIES = ['IPv4', 'IPv6'];
const POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const ADDRESS = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** Faults of a Service's spec, and of the change from `old`. */
export function serviceErrors(service: KubeObject, old: KubeObject | null): FieldError[] {
  const spec = record(service['spec']);
  const errors = [...typeErrors(spec), ...portsErrors(spec), ...addressErrors(spec), ...policyErrors(spec), ...classErrors(spec)];
  return old === null ? errors : [...errors, ...changeErrors(spec, record(old['spec']))];
}

function typeErrors(spec: JsonObject): FieldError[] {
  const type = text(spec['type']);
  const errors: FieldError[] = [];
  if (!TYPES.includes(type)) errors.push(notSupported('spec.type', type, TYPES));
  if (type === 'LoadBalancer' && spec['clusterIP'] === 'None') errors.push(invalidValue('spec.clusterIPs[0]', 'None', "may not be set to 'None' for LoadBalancer services"));
  if (type === 'NodePort' && spec['clusterIP'] === 'None') errors.push(invalidValue('spec.clusterIPs[0]', 'None', "may not be set to 'None' for NodePort services"));
  if (type === 'ExternalName') {
    const name = text(spec['externalName']).replace(/\.$/, '');
    if (spec['clusterIP'] !== undefined) errors.push(forbiddenField('spec.clusterIPs[0]', 'may not be set for ExternalName services'));
    if (name === '') errors.push(required('spec.externalName'));
    else if (!isSubdomain(name)) errors.push(invalidValue('spec.externalName', name, 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters'));
  }
  if (!['None', 'ClientIP'].includes(text(spec['sessionAffinity']))) errors.push(notSupported('spec.sessionAffinity', spec['sessionAffinity'], ['ClientIP', 'None']));
  return errors;
}

function portsErrors(spec: JsonObject): FieldError[] {
  const ports = records(spec['ports']);
  const isHeadless = spec['clusterIP'] === 'None';
  if (ports.length === 0) return isHeadless || spec['type'] === 'ExternalName' ? [] : [required('spec.ports')];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const seen = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const path = `spec.ports[${index}]`;
    errors.push(...portErrors(port, path, ports.length > 1));
    const name = text(port['name']);
    if (name !== '' && names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    const key = `${text(port['protocol'])}/${scalar(port['port'])}`;
    if (seen.has(key)) errors.push(duplicate(path, { port: port['port'], protocol: port['protocol'] }));
    seen.add(key);
    const nodePort = port['nodePort'];
    if (nodePort === undefined) continue;
    if (spec['type'] === 'ClusterIP' || spec['type'] === 'ExternalName') errors.push(forbiddenField(`${path}.nodePort`, `may not be used when \`type\` is '${text(spec['type'])}'`));
    const nodeKey = `${text(port['protocol'])}/${scalar(nodePort)}`;
    if (nodePorts.has(nodeKey)) errors.push(duplicate(`${path}.nodePort`, nodePort));
    nodePorts.add(nodeKey);
  }
  return errors;
}

function portErrors(port: JsonObject, path: string, nameNeeded: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const name = text(port['name']);
  if (name === '' && nameNeeded) errors.push(required(`${path}.name`));
  else if (name !== '' && !isLabel(name)) errors.push(invalidValue(`${path}.name`, name, "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"));
  const number = port['port'];
  if (!isPort(number)) errors.push(invalidValue(`${path}.port`, number ?? 0, 'must be between 1 and 65535, inclusive'));
  if (!PROTOCOLS.includes(text(port['protocol']))) errors.push(notSupported(`${path}.protocol`, port['protocol'], PROTOCOLS));
  const target = port['targetPort'];
  if (typeof target === 'number' && !isPort(target)) errors.push(invalidValue(`${path}.targetPort`, target, 'must be between 1 and 65535, inclusive'));
  if (typeof target === 'string' && !/^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/i.test(target)) {
    errors.push(invalidValue(`${path}.targetPort`, target, 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'));
  }
  const fault = port['appProtocol'] === undefined ? null : qualifiedNameFault(text(port['appProtocol']));
  if (fault !== null) errors.push(invalidValue(`${path}.appProtocol`, port['appProtocol'], fault));
  return errors;
}

function isPort(value: unknown): boolean {
  return typeof value === 'number' && value >= 1 && value <= 65_535;
}

function addressErrors(spec: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, address] of list(spec['clusterIPs']).map(text).entries()) {
    if (address !== 'None' && isIP(address) === 0) errors.push(invalidValue(`spec.clusterIPs[${index}]`, address, ADDRESS));
  }
  const first = list(spec['clusterIPs'])[0];
  if (first !== undefined && spec['clusterIP'] !== undefined && first !== spec['clusterIP']) errors.push(invalidValue('spec.clusterIPs', spec['clusterIPs'], 'first value must match `clusterIP`'));
  for (const [index, address] of list(spec['externalIPs']).map(text).entries()) {
    if (isIP(address) === 0) errors.push(invalidValue(`spec.externalIPs[${index}]`, address, ADDRESS));
    else if (/^(0\.0\.0\.0|::|127\.|::1$|169\.254\.|fe80:)/.test(address)) errors.push(invalidValue(`spec.externalIPs[${index}]`, address, 'may not be unspecified, loopback or link-local'));
  }
  const ranges = list(spec['loadBalancerSourceRanges']).map(text);
  if (ranges.length > 0 && spec['type'] !== 'LoadBalancer') errors.push(forbiddenField('spec.LoadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"));
  for (const [index, range] of ranges.entries()) {
    if (!isCidr(range.trim())) errors.push(invalidValue(`spec.LoadBalancerSourceRanges[${index}]`, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
  }
  for (const [index, family] of list(spec['ipFamilies']).map(text).entries()) {
    if (!FAMILIES.includes(family)) errors.push(notSupported(`spec.ipFamilies[${index}]`, family, FAMILIES));
    if (list(spec['ipFamilies']).indexOf(family) !== index) errors.push(duplicate(`spec.ipFamilies[${index}]`, family));
  }
  const policy = spec['ipFamilyPolicy'];
  if (policy !== undefined && !POLICIES.includes(text(policy))) errors.push(notSupported('spec.ipFamilyPolicy', policy, POLICIES));
  if (policy === 'SingleStack' && list(spec['clusterIPs']).length > 1 && list(spec['ipFamilies']).length > 1) {
    errors.push(invalidValue('spec.ipFamilyPolicy', policy, 'must be RequireDualStack or PreferDualStack when multiple ipFamilies are specified'));
  }
  return errors;
}

function policyErrors(spec: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const external = spec['externalTrafficPolicy'];
  if (external !== undefined && !isExternallyReachable(spec)) errors.push(invalidValue('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'));
  else if (external !== undefined && !['Cluster', 'Local'].includes(text(external))) errors.push(notSupported('spec.externalTrafficPolicy', external, ['Cluster', 'Local']));
  const internal = spec['internalTrafficPolicy'];
  if (internal !== undefined && !['Cluster', 'Local'].includes(text(internal))) errors.push(notSupported('spec.internalTrafficPolicy', internal, ['Cluster', 'Local']));
  const healthCheck = spec['healthCheckNodePort'];
  if (healthCheck !== undefined && !(spec['type'] === 'LoadBalancer' && external === 'Local')) {
    errors.push(invalidValue('spec.healthCheckNodePort', healthCheck, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  }
  if (spec['allocateLoadBalancerNodePorts'] !== undefined && spec['type'] !== 'LoadBalancer') {
    errors.push(forbiddenField('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"));
  }
  return errors;
}

function classErrors(spec: JsonObject): FieldError[] {
  const value = spec['loadBalancerClass'];
  if (value === undefined) return [];
  if (spec['type'] !== 'LoadBalancer') return [forbiddenField('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'")];
  const fault = qualifiedNameFault(text(value));
  return fault === null ? [] : [invalidValue('spec.loadBalancerClass', value, fault)];
}

function changeErrors(spec: JsonObject, before: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  if (spec['type'] === 'LoadBalancer' && before['type'] === 'LoadBalancer' && !same(spec['loadBalancerClass'], before['loadBalancerClass'])) {
    errors.push(invalidValue('spec.loadBalancerClass', spec['loadBalancerClass'] ?? null, 'may not change once set'));
  }
  if (spec['type'] === 'ExternalName' || before['type'] === 'ExternalName') return errors;
  const [now, then] = [list(spec['clusterIPs']), list(before['clusterIPs'])];
  if (then[0] !== undefined && now[0] !== then[0]) errors.push(invalidValue('spec.clusterIPs[0]', now[0] === undefined ? null : now, 'may not change once set'));
  if (now[1] !== undefined && then[1] !== undefined && now[1] !== then[1]) errors.push(invalidValue('spec.clusterIPs[1]', now[1], 'may not change once set'));
  const [family, earlier] = [list(spec['ipFamilies'])[0], list(before['ipFamilies'])[0]];
  if (family !== undefined && earlier !== undefined && family !== earlier) errors.push(invalidValue('spec.ipFamilies[0]', family, 'may not change once set'));
  const healthCheck = before['healthCheckNodePort'];
  if (healthCheck !== undefined && spec['healthCheckNodePort'] !== undefined && healthCheck !== spec['healthCheckNodePort']) errors.push(invalidValue('spec.healthCheckNodePort', spec['healthCheckNodePort'], 'field is immutable'));
  return errors;
}

/** Faults of `status.loadBalancer` (core validation ValidateLoadBalancerStatus). */
export function serviceStatusErrors(service: KubeObject): FieldError[] {
  const ingress = records(at(service, 'status', 'loadBalancer', 'ingress'));
  const path = 'status.loadBalancer.ingress';
  if (ingress.length > 0 && at(service, 'spec', 'type') !== 'LoadBalancer') return [forbiddenField(path, 'may only be used when `spec.type` is LoadBalancer')];
  return [...ingress.flatMap((one, index) => ingressErrors(one, `${path}[${index}]`)), ...conditionErrors(service)];
}

function ingressErrors(one: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const [ip, hostname, mode] = [text(one['ip']), text(one['hostname']), one['ipMode']];
  if (ip !== '' && isIP(ip) === 0) errors.push(invalidValue(`${path}.ip`, ip, ADDRESS));
  if (ip !== '' && mode === undefined) errors.push(required(`${path}.ipMode`, 'must be specified when `ip` is set'));
  else if (ip === '' && mode !== undefined) errors.push(forbiddenField(`${path}.ipMode`, 'may not be specified when `ip` is not set'));
  else if (mode !== undefined && mode !== 'VIP' && mode !== 'Proxy') errors.push(notSupported(`${path}.ipMode`, mode, ['Proxy', 'VIP']));
  if (hostname !== '' && isIP(hostname) !== 0) errors.push(invalidValue(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address'));
  else if (hostname !== '' && !isSubdomain(hostname)) errors.push(invalidValue(`${path}.hostname`, hostname, 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters'));
  return errors;
}

function conditionErrors(service: KubeObject): FieldError[] {
  return records(at(service, 'status', 'conditions')).flatMap((one, index) => {
    const path = `status.conditions[${index}]`;
    const errors: FieldError[] = [];
    if (text(one['type']) === '') errors.push(required(`${path}.type`));
    if (!['True', 'False', 'Unknown'].includes(text(one['status']))) errors.push(notSupported(`${path}.status`, one['status'] ?? '', ['False', 'True', 'Unknown']));
    if (text(one['lastTransitionTime']) === '') errors.push(required(`${path}.lastTransitionTime`));
    if (text(one['reason']) === '') errors.push(required(`${path}.reason`));
    return errors;
  });
}
