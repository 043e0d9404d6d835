import type { Decoding } from './decoding.ts';
import type { ServiceVIPStatus } from '../model/service.ts';

/** gatehouse.dev/v1 ServiceVIPStatus. It has a status only, and none at all between its making and its first write: texts are empty then. */
export function decodeServiceVIPStatus({ object, base }: Decoding): ServiceVIPStatus {
  const status = object.status('it counts as not written yet');
  return {
    ...base,
    kind: 'ServiceVIPStatus',
    node: status?.text('node') ?? '',
    service: { namespace: status?.text('serviceNamespace') ?? '', name: status?.text('serviceName') ?? '' },
  };
}
