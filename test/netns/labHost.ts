import { BRIDGE } from './cables.ts';
import { PREFIX_LENGTH, type Addresses } from './labAddresses.ts';
import type { Namespace } from './namespace.ts';

/** A machine of the lab. */
export interface LabHost extends Namespace {
  /** Of its interface `eth0`. */
  readonly addresses: Addresses;
  readonly mac: string;
}

/** Where and as what a namespace is connected. */
export interface Plug {
  /** Of the bridge. */
  readonly port: string;
  readonly addresses: Addresses;
  readonly gateway: Addresses | null;
}

/** Connects a namespace to the bridge. */
export async function plug(wires: Namespace, namespace: Namespace, { port, addresses, gateway }: Plug): Promise<LabHost> {
  await prepare(namespace);
  await namespace.exec('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', port, 'netns', wires.name]);
  await wires.exec('ip', ['link', 'set', port, 'master', BRIDGE]);
  await wires.exec('ip', ['link', 'set', port, 'up']);
  await configure(namespace, 'eth0', addresses);
  if (gateway !== null) await addDefaultRoute(namespace, gateway);
  return { ...namespace, addresses, mac: await macOf(namespace) };
}

/** Of every namespace: loopback up, addresses usable at once. */
export async function prepare(namespace: Namespace): Promise<void> {
  await setSysctls(namespace, {
    'net.ipv6.conf.all.accept_dad': 0, 'net.ipv6.conf.default.accept_dad': 0, 'net.ipv6.conf.default.dad_transmits': 0,
    'net.ipv6.conf.all.accept_ra': 0, 'net.ipv6.conf.default.accept_ra': 0,
  });
  await namespace.exec('ip', ['link', 'set', 'lo', 'up']);
}

/** Brings an interface up, with an address of each family that is usable at once. */
export async function configure(namespace: Namespace, link: string, addresses: Addresses): Promise<void> {
  await namespace.exec('ip', ['link', 'set', link, 'up']);
  await namespace.exec('ip', ['-4', 'address', 'add', `${addresses.ipv4}/${PREFIX_LENGTH.ipv4}`, 'dev', link]);
  await namespace.exec('ip', ['-6', 'address', 'add', `${addresses.ipv6}/${PREFIX_LENGTH.ipv6}`, 'dev', link, 'nodad']);
}

/** Of both families. */
export async function addDefaultRoute(namespace: Namespace, gateway: Addresses): Promise<void> {
  await namespace.exec('ip', ['-4', 'route', 'add', 'default', 'via', gateway.ipv4]);
  await namespace.exec('ip', ['-6', 'route', 'add', 'default', 'via', gateway.ipv6]);
}

/** Of `eth0`. */
export async function macOf(namespace: Namespace): Promise<string> {
  const [link] = JSON.parse(await namespace.exec('ip', ['-json', 'link', 'show', 'dev', 'eth0'])) as readonly { readonly address: string }[];
  if (link === undefined) throw new Error(`${namespace.name} has no eth0`);
  return link.address;
}

/** Of that namespace alone. */
export async function setSysctls(namespace: Namespace, values: Readonly<Record<string, number>>): Promise<void> {
  await namespace.exec('sysctl', ['-q', '-w', ...Object.entries(values).map(([name, value]) => `${name}=${value}`)]);
}
