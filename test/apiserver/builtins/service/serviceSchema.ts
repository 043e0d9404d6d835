import type { Schema } from '../../schema/schema.ts';
import { boolean, conditions, integer, intOrString, keyed, listOf, object, string, strings } from '../shapes.ts';

const port: Schema = object({
  name: string, protocol: { ...string, default: 'TCP' }, appProtocol: string, port: integer, targetPort: intOrString, nodePort: integer,
});

/** core/v1 Service. */
export const SERVICE_SCHEMA: Schema = object({
  spec: object({
    type: { ...string, default: 'ClusterIP' }, ports: keyed(['port', 'protocol'], port),
    selector: { ...strings, 'x-kubernetes-map-type': 'atomic' }, clusterIP: string, clusterIPs: listOf(string),
    externalIPs: listOf(string), sessionAffinity: { ...string, default: 'None' }, loadBalancerIP: string, loadBalancerSourceRanges: listOf(string),
    externalName: string, externalTrafficPolicy: string, internalTrafficPolicy: string, healthCheckNodePort: integer,
    publishNotReadyAddresses: boolean, sessionAffinityConfig: object({ clientIP: object({ timeoutSeconds: integer }) }),
    ipFamilies: listOf(string), ipFamilyPolicy: string, allocateLoadBalancerNodePorts: boolean, loadBalancerClass: string, trafficDistribution: string,
  }),
  status: object({
    loadBalancer: object({
      ingress: listOf(object({ ip: string, hostname: string, ipMode: string, ports: listOf(object({ port: integer, protocol: string, error: string })) })),
    }),
    conditions,
  }),
});
