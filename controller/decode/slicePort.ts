import type { FieldReader, ListBounds } from './fieldReader.ts';
import { decodeProtocol } from './protocol.ts';
import { OPTIONAL_DNS_LABEL } from './textForm.ts';
import type { SlicePort } from '../model/endpoints.ts';

const MAX_PORT = 65_535;

/** `ports` of an EndpointSlice or of an Endpoints subset; faulty ones and repeated names are reported and left out. */
export function decodeSlicePorts(owner: FieldReader, bounds: ListBounds): SlicePort[] {
  const ports: SlicePort[] = [];
  const names = new Set<string>();
  for (const reader of owner.elements('ports', bounds)) {
    const port: SlicePort = {
      name: reader.text('name', OPTIONAL_DNS_LABEL) ?? '',
      port: reader.integer('port', 1, MAX_PORT),
      protocol: decodeProtocol(reader),
    };
    if (!reader.failed && names.has(port.name)) reader.fail('name', 'must differ from the other ports', port.name);
    if (reader.failed) continue;
    names.add(port.name);
    ports.push(port);
  }
  return ports;
}
