import type { FieldReader } from './fieldReader.ts';
import { DNS_LABEL, PORT_NAME } from './textForm.ts';
import type { IngressBackend, IngressBackendService } from '../model/ingress.ts';

type BackendPort = IngressBackendService['port'];

const MAX_PORT = 65_535;

/** `networking.k8s.io/v1` IngressBackend: a Service with its port, or a resource. Null when faulty, which is reported. */
export function decodeBackend(backend: FieldReader): IngressBackend | null {
  const service = backend.map('service');
  const resource = backend.map('resource');
  if (service !== null && resource !== null) backend.fail('', 'must name a service or a resource, not both');
  if (service !== null) return decodeService(service);
  if (resource !== null) return decodeResource(resource);
  if (!backend.has('service') && !backend.has('resource')) backend.fail('', missingRule(backend));
  return null;
}

/** The v1beta1 form: `serviceName` and `servicePort`; what is written in the v1 form is taken as such. */
export function decodeBetaBackend(backend: FieldReader): IngressBackend | null {
  if (!backend.has('serviceName') && !backend.has('servicePort')) return decodeBackend(backend);
  const service = backend.requiredText('serviceName', DNS_LABEL);
  const port = decodeIntOrName(backend, 'servicePort');
  return port === null ? null : { type: 'service', service, port };
}

function missingRule(backend: FieldReader): string {
  return backend.has('serviceName') || backend.has('servicePort')
    ? 'must name a service: serviceName and servicePort are v1beta1, write service.name and service.port.number'
    : 'must name a service or a resource';
}

function decodeService(service: FieldReader): IngressBackend | null {
  const name = service.requiredText('name', DNS_LABEL);
  const portReader = service.requiredMap('port');
  const port = portReader === null ? null : decodePort(portReader);
  return port === null ? null : { type: 'service', service: name, port };
}

function decodePort(port: FieldReader): BackendPort | null {
  const number = port.integer('number', 1, MAX_PORT);
  const name = port.text('name', PORT_NAME);
  if (number !== null && name !== null) port.fail('', 'must have a number or a name, not both');
  if (number !== null) return { type: 'number', number };
  if (name !== null) return { type: 'name', name };
  if (!port.has('number') && !port.has('name')) port.fail('', 'must have a number or a name');
  return null;
}

function decodeResource(resource: FieldReader): IngressBackend {
  return {
    type: 'resource',
    apiGroup: resource.text('apiGroup') ?? '',
    kind: resource.requiredText('kind'),
    name: resource.requiredText('name'),
  };
}

function decodeIntOrName(reader: FieldReader, key: string): BackendPort | null {
  if (!reader.has(key)) reader.fail(key, 'must be set');
  if (typeof reader.value(key) !== 'string') {
    const number = reader.integer(key, 1, MAX_PORT);
    return number === null ? null : { type: 'number', number };
  }
  const name = reader.text(key, PORT_NAME);
  return name === null ? null : { type: 'name', name };
}
