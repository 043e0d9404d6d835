import type { IngressBackendService } from '../../model/ingress.ts';
import { integerBetween } from '../values/integer.ts';
import { accept, refuse, type Parsed } from '../values/parsed.ts';

/** A value of a tcp-services or udp-services ConfigMap. */
export interface PortTarget {
  readonly namespace: string;
  readonly service: string;
  readonly port: IngressBackendService['port'];
  /** Clients speak the PROXY protocol first (first flag). */
  readonly acceptProxy: boolean;
  /** The backend is told the client's address by a PROXY header (second flag). */
  readonly sendProxy: boolean;
}

const FORM = 'must be NAMESPACE/SERVICE:PORT[:PROXY][:PROXY]';
const MAX_CHARS = 1024;
const parsePortNumber = integerBetween(1, 65_535);

/** Reads `namespace/service:port[:PROXY][:PROXY]` as ingress-nginx does: either flag may be empty, case does not count. */
export function parsePortTarget(text: string): Parsed<PortTarget> {
  const [name = '', portPart = '', accepts = '', sends = '', ...rest] = text.slice(0, MAX_CHARS).trim().split(':');
  const [namespace = '', service = '', ...more] = name.split('/');
  if (namespace === '' || service === '' || more.length > 0 || portPart === '' || rest.length > 0) return refuse(FORM);
  const flags = [accepts, sends].map((flag) => flag.trim().toUpperCase());
  if (flags.some((flag) => flag !== '' && flag !== 'PROXY')) return refuse(`${FORM}; a flag is PROXY or nothing`);
  const port = readPort(portPart.trim());
  if (port === null) return refuse(`${FORM}; a port is a number from 1 to 65535 or a name`);
  return accept({ namespace, service, port, acceptProxy: flags[0] === 'PROXY', sendProxy: flags[1] === 'PROXY' });
}

function readPort(text: string): PortTarget['port'] | null {
  if (!/^[0-9]+$/.test(text)) return { type: 'name', name: text };
  const number = parsePortNumber(text);
  return number.ok ? { type: 'number', number: number.value } : null;
}
