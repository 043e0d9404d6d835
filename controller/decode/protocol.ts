import type { FieldReader } from './fieldReader.ts';
import type { ServicePort } from '../model/service.ts';

const PROTOCOLS: readonly ServicePort['protocol'][] = ['TCP', 'UDP', 'SCTP'];

/** Field `protocol` of a port; TCP when absent (API default). */
export function decodeProtocol(port: FieldReader): ServicePort['protocol'] {
  return port.choice('protocol', PROTOCOLS) ?? 'TCP';
}
