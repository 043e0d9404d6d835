import { joinedPorts } from './servicePorts.ts';
import { at, list, records, text, type KubeObject } from '../../json.ts';
import type { ResourceType } from '../../resourceType.ts';
import { AGE, NAME, column, field, joined, labelsText } from '../../tables/columns.ts';
import { define } from '../define.ts';
import type { ServiceRanges } from './serviceAddresses.ts';
import { allocateService, prepareService } from './serviceAllocation.ts';
import { setServiceDefaults } from './serviceDefaults.ts';
import { SERVICE_SCHEMA } from './serviceSchema.ts';
import { serviceErrors, serviceStatusErrors } from './serviceValidation.ts';

/** core/v1 Service, with addresses and node ports from `ranges`. */
export function serviceType(ranges: ServiceRanges): ResourceType {
  return define({
    kind: 'Service', plural: 'services', shortNames: ['svc'], categories: ['all'], hasStatus: true, nameRule: 'serviceName', schema: SERVICE_SCHEMA,
    selectable: ['spec.clusterIP', 'spec.type'],
    columns: [
      NAME, field('Type', 'spec.type'), column('Cluster-IP', (service) => text(at(service, 'spec', 'clusterIP')) || '<none>'),
      column('External-IP', externalText), column('Port(s)', joinedPorts), AGE,
      column('Selector', (service) => labelsText(at(service, 'spec', 'selector')), { priority: 1 }),
    ],
    strategy: {
      setDefaults: setServiceDefaults,
      prepare(service, old, { subresource }) {
        if (subresource !== 'status') prepareService(service, old);
        else service['spec'] = old?.['spec'];
      },
      validate: (service, old, { subresource }) => (subresource === 'status' ? serviceStatusErrors(service) : serviceErrors(service, old)),
      allocate: (service, old, context) => allocateService(ranges, service, old, context),
    },
  });
}

function externalText(service: KubeObject): string {
  const own = list(at(service, 'spec', 'externalIPs')).map(text);
  const type = at(service, 'spec', 'type');
  if (type === 'ExternalName') return text(at(service, 'spec', 'externalName'));
  if (type !== 'LoadBalancer') return joined(own);
  const given = records(at(service, 'status', 'loadBalancer', 'ingress')).map((one) => text(one['ip']) || text(one['hostname']));
  return joined([...given, ...own], '<pending>');
}
