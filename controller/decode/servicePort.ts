import type { FieldReader } from './fieldReader.ts';
import { decodeProtocol } from './protocol.ts';
import { OPTIONAL_DNS_LABEL, PORT_NAME } from './textForm.ts';
import type { ServicePort } from '../model/service.ts';

const MAX_PORT = 65_535;

/** Ports of one Service; the API has no bound, this one is ours. */
const MAX_SERVICE_PORTS = 1000;

/** `spec.ports` of a Service: faulty ones and repeated ones are reported and left out. */
export function decodeServicePorts(spec: FieldReader): ServicePort[] {
  const readers = spec.elements('ports', { max: MAX_SERVICE_PORTS, effect: 'the port is left out' });
  const ports: ServicePort[] = [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const reader of readers) {
    const port = decodePort(reader);
    const unnamed = (reader.value('name') ?? '') === '';
    if (unnamed && readers.length > 1) reader.fail('name', 'must be set when there are several ports');
    if (port.name !== '' && names.has(port.name)) reader.fail('name', 'must differ from the other ports', port.name);
    const number = `${port.protocol} ${port.port}`;
    if (numbers.has(number)) reader.fail('port', 'must differ from the other ports of its protocol', port.port);
    if (reader.failed) continue;
    names.add(port.name);
    numbers.add(number);
    ports.push(port);
  }
  return ports;
}

function decodePort(reader: FieldReader): ServicePort {
  const port = reader.integer('port', 1, MAX_PORT) ?? 0;
  if (!reader.has('port')) reader.fail('port', 'must be set');
  return {
    name: reader.text('name', OPTIONAL_DNS_LABEL) ?? '',
    port,
    protocol: decodeProtocol(reader),
    targetPort: decodeTargetPort(reader) ?? port,
    nodePort: reader.integer('nodePort', 0, MAX_PORT) || null,
  };
}

function decodeTargetPort(reader: FieldReader): number | string | null {
  const value = reader.value('targetPort');
  if (typeof value === 'string') return reader.text('targetPort', PORT_NAME);
  // The API server reads 0 as not set.
  return reader.integer('targetPort', 0, MAX_PORT) || null;
}
