import { networkInterfaces } from 'node:os';

/** kube-proxy in IPVS mode puts every VIP of the cluster there: that makes them no addresses of this machine. */
const IPVS_INTERFACE = 'kube-ipvs0';

/** Every address of this machine's interfaces, loopback included, in canonical form. */
export function localAddresses(): readonly string[] {
  return interfaceAddresses().map(({ address }) => address);
}

/** Addresses of this machine beyond loopback and link-local ones. */
export function machineAddresses(): readonly string[] {
  return interfaceAddresses().filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address)).map(({ address }) => address);
}

function interfaceAddresses(): { readonly address: string; readonly internal: boolean }[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) => (name === IPVS_INTERFACE ? [] : addresses ?? []));
}

/** Address → names of the interfaces that have it; usually one. */
export function interfacesByAddress(): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address } of addresses ?? []) names.set(address, [...(names.get(address) ?? []), name]);
  }
  return names;
}
