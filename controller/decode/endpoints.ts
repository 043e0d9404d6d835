import type { Decoding } from './decoding.ts';
import { ENDPOINT_IP } from './endpointAddress.ts';
import { decodeSlicePorts } from './slicePort.ts';
import { MAX_ENTRIES, type FieldReader } from './fieldReader.ts';
import type { Endpoints } from '../model/endpoints.ts';

type Subset = Endpoints['subsets'][number];

/** v1 Endpoints. Null when its shape is faulty. */
export function decodeEndpoints({ object, base }: Decoding): Endpoints | null {
  const readers = object.elements('subsets', { max: MAX_ENTRIES, effect: 'the subset is left out' });
  const subsets = readers.map(decodeSubset).filter((subset) => subset !== null);
  return object.failed ? null : { ...base, kind: 'Endpoints', subsets };
}

function decodeSubset(subset: FieldReader): Subset | null {
  const decoded: Subset = {
    addresses: decodeAddresses(subset, 'addresses'),
    notReadyAddresses: decodeAddresses(subset, 'notReadyAddresses'),
    ports: decodeSlicePorts(subset, { max: MAX_ENTRIES, effect: 'the port is left out' }),
  };
  return subset.failed ? null : decoded;
}

function decodeAddresses(subset: FieldReader, key: string): string[] {
  const addresses: string[] = [];
  for (const reader of subset.elements(key, { max: MAX_ENTRIES, effect: 'the address is left out' })) {
    const ip = reader.requiredText('ip', ENDPOINT_IP);
    if (!reader.failed) addresses.push(ip);
  }
  return addresses;
}
