import { at, isRecord, record, records, text, type JsonObject, type KubeObject } from '../../json.ts';

const EMPTY_IS_ABSENT = ['externalName', 'loadBalancerIP', 'clusterIP', 'externalTrafficPolicy', 'internalTrafficPolicy', 'ipFamilyPolicy', 'loadBalancerClass'];
const EMPTY_LISTS = ['ports', 'clusterIPs', 'externalIPs', 'loadBalancerSourceRanges', 'ipFamilies'];

/** Defaults of core/v1 (SetDefaults_Service) that a schema cannot say, and Go's way to leave out empty fields. */
export function setServiceDefaults(service: KubeObject): void {
  const spec = record(service['spec']);
  service['spec'] = spec;
  spec['type'] ??= 'ClusterIP';
  spec['sessionAffinity'] ??= 'None';
  for (const field of EMPTY_IS_ABSENT) if (spec[field] === '') delete spec[field];
  for (const field of EMPTY_LISTS) if (Array.isArray(spec[field]) && spec[field].length === 0) delete spec[field];
  for (const field of ['healthCheckNodePort']) if (spec[field] === 0) delete spec[field];
  if (spec['publishNotReadyAddresses'] === false) delete spec['publishNotReadyAddresses'];
  if (isRecord(spec['selector']) && Object.keys(spec['selector']).length === 0) delete spec['selector'];
  if (spec['sessionAffinity'] === 'None') delete spec['sessionAffinityConfig'];
  else if (spec['sessionAffinity'] === 'ClientIP' && at(spec, 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds') === undefined) {
    spec['sessionAffinityConfig'] = { clientIP: { timeoutSeconds: 10_800 } };
  }
  for (const port of records(spec['ports'])) setPortDefaults(port);
  const isExternal = isExternallyReachable(spec);
  if (isExternal) spec['externalTrafficPolicy'] ??= 'Cluster';
  if (spec['type'] !== 'ExternalName') spec['internalTrafficPolicy'] ??= 'Cluster';
  if (spec['type'] === 'LoadBalancer') spec['allocateLoadBalancerNodePorts'] ??= true;
  setStatusDefaults(service, spec);
}

/** Whether traffic from outside the cluster may come in by node ports, load balancer or external IPs. */
export function isExternallyReachable(spec: JsonObject): boolean {
  return spec['type'] === 'LoadBalancer' || spec['type'] === 'NodePort' || (spec['type'] === 'ClusterIP' && Array.isArray(spec['externalIPs']));
}

function setPortDefaults(port: JsonObject): void {
  if (port['protocol'] === undefined || port['protocol'] === '') port['protocol'] = 'TCP';
  if (port['targetPort'] === undefined || port['targetPort'] === 0 || port['targetPort'] === '') port['targetPort'] = port['port'];
  if (port['nodePort'] === 0) delete port['nodePort'];
  if (port['name'] === '') delete port['name'];
}

function setStatusDefaults(service: KubeObject, spec: JsonObject): void {
  const status = record(service['status']);
  service['status'] = { ...status, loadBalancer: record(status['loadBalancer']) };
  const ingress = records(at(status, 'loadBalancer', 'ingress'));
  if (at(status, 'loadBalancer', 'ingress') !== undefined && ingress.length === 0) delete record(status['loadBalancer'])['ingress'];
  if (spec['type'] !== 'LoadBalancer') return;
  for (const one of ingress) if (text(one['ip']) !== '') one['ipMode'] ??= 'VIP';
}
