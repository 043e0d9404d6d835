import type { L4Route } from '../../../core/ir/l4.ts';
import { printValue, type Problem } from '../../../core/ir/problem.ts';
import { refOf, type ConfigMap } from '../../model/objects.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { problemOf, type Finding } from '../problemOf.ts';
import { parseCidrList } from '../values/cidrList.ts';
import type { TranslateOptions } from '../translation.ts';
import { targetsOf, type CarriedPort, type L4Context } from './l4Context.ts';
import type { PortClaim } from './portClaim.ts';
import { parsePortTarget, type PortTarget } from './portTarget.ts';
import { CANARY_WEIGHT_TOTAL, CONNECT_MS, MAX_CONNECTIONS, TCP_IDLE_MS, UDP_IDLE_MS } from './serviceRows.ts';

/** One entry of a ConfigMap of ports that can be read. */
interface PortEntry {
  readonly map: ConfigMap;
  readonly protocol: 'tcp' | 'udp';
  readonly field: string;
  readonly port: number;
  readonly target: PortTarget;
}

/** What the ConfigMaps of ports say, before it is known what stands behind them. */
export interface PortMaps {
  readonly entries: readonly PortEntry[];
  /** `namespace/name` of every Service they name. */
  readonly services: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

const EVERYBODY = ['0.0.0.0/0', '::/0'];
/** As in ingress-nginx: these are the Ingresses'. */
const RESERVED_TCP: ReadonlySet<number> = new Set([80, 443]);
const NOT_OPENED = 'the port is not opened';

/** Reads the ConfigMaps that `--tcp-services-configmap` and `--udp-services-configmap` name. */
export function readPortMaps(objects: ObjectIndex, options: TranslateOptions): PortMaps {
  const problems: Problem[] = [];
  const entries = [
    ...readPortMap({ key: options.tcpServices, protocol: 'tcp' }, { objects, options, problems }),
    ...readPortMap({ key: options.udpServices, protocol: 'udp' }, { objects, options, problems }),
  ];
  return { entries, services: new Set(entries.map(({ target }) => `${target.namespace}/${target.service}`)), problems };
}

/** The listeners of all entries, on every address that L4 ports are opened on. */
export function planPortMaps(maps: PortMaps, context: L4Context): readonly PortClaim[] {
  return maps.entries.flatMap((entry): PortClaim[] => {
    const route = routeOf(entry, context);
    if (route === null) return [];
    const { map, field, protocol, port } = entry;
    return context.options.l4Addresses.map((address) => ({ object: map, field, protocol, address, port, viaKernel: false, use: { type: 'route', route } }));
  });
}

interface Reading {
  readonly objects: ObjectIndex;
  readonly options: TranslateOptions;
  readonly problems: Problem[];
}

function readPortMap({ key, protocol }: { readonly key: string | null; readonly protocol: 'tcp' | 'udp' }, reading: Reading): PortEntry[] {
  if (key === null) return [];
  const [namespace = '', name = ''] = key.split('/');
  const map = reading.objects.get('ConfigMap', namespace, name);
  if (map === undefined) {
    reading.problems.push(missingMap({ namespace, name }, protocol));
    return [];
  }
  return [...map.data].flatMap(([portText, text]) => readEntry({ map, protocol, portText, text }, reading) ?? []);
}

function readEntry(
  entry: { readonly map: ConfigMap; readonly protocol: 'tcp' | 'udp'; readonly portText: string; readonly text: string },
  { options, problems }: Reading,
): PortEntry | null {
  const { map, protocol, portText, text } = entry;
  const field = `data[${portText}]`;
  const refuse = (rule: string, value: string): null => {
    problems.push(problemOf(map, { severity: 'error', field, rule, value, effect: NOT_OPENED }));
    return null;
  };
  const port = /^[0-9]{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65_535) return refuse('must have a port from 1 to 65535 as its key', portText);
  const taken = protocol === 'tcp' && (RESERVED_TCP.has(port) || options.reserved.some((one) => one.port === port));
  if (taken) return refuse('must not be a port that HTTP, HTTPS or the admin API of Gatehouse has', portText);
  const target = parsePortTarget(text);
  if (!target.ok) return refuse(target.rule, text);
  const { acceptProxy, sendProxy } = target.value;
  if (protocol === 'udp' && (acceptProxy || sendProxy)) {
    problems.push(problemOf(map, { severity: 'warning', field, rule: 'can have PROXY for TCP only', value: text, effect: 'it has no effect' }));
  }
  return { map, protocol, field, port, target: target.value };
}

function routeOf(entry: PortEntry, context: L4Context): L4Route | null {
  const { map, protocol, field, target } = entry;
  const behind = behindOf(entry, context);
  if (behind === null) return null;
  const tcp = protocol === 'tcp';
  return {
    owner: refOf(map),
    field,
    targets: behind.targets,
    sourceRanges: null,
    affinityTimeoutMs: behind.affinityTimeoutMs,
    acceptProxyProtocol: tcp && target.acceptProxy ? { trustedCidrs: trustedCidrs(context) } : null,
    sendProxyProtocol: tcp && target.sendProxy ? 'v1' : null,
    connectTimeoutMs: behind.connectTimeoutMs,
    idleTimeoutMs: behind.idleTimeoutMs[protocol],
    maxConnections: behind.maxConnections,
  };
}

interface Behind extends Pick<L4Route, 'targets' | 'affinityTimeoutMs' | 'connectTimeoutMs' | 'maxConnections'> {
  readonly idleTimeoutMs: { readonly tcp: number; readonly udp: number };
}

const DEFAULTS = {
  affinityTimeoutMs: null,
  connectTimeoutMs: CONNECT_MS,
  maxConnections: MAX_CONNECTIONS,
  idleTimeoutMs: { tcp: TCP_IDLE_MS, udp: UDP_IDLE_MS },
} as const;

/** Null, with a problem, when the Service or its port does not exist; one without endpoints keeps its port open. */
function behindOf(entry: PortEntry, context: L4Context): Behind | null {
  const { map, field, protocol, target } = entry;
  const carried = carriedPort(entry, context);
  const backend = { namespace: target.namespace, service: target.service, port: target.port, protocol, node: null, isSticky: false };
  const behind = carried === null ? { primary: context.book.use(backend), targets: [] } : targetsOf(carried, context);
  const { fault, key } = behind.primary;
  if (fault !== null) {
    const { severity, rule } = fault;
    const kept = protocol === 'tcp' ? 'connections are reset' : 'datagrams are dropped';
    const finding: Finding = { severity, field, rule, effect: severity === 'error' ? NOT_OPENED : kept };
    context.problems.push(problemOf(map, finding));
    if (severity === 'error') return null;
  }
  if (carried === null) return { ...DEFAULTS, targets: [{ cluster: key, weight: CANARY_WEIGHT_TOTAL }] };
  const { affinityTimeoutMs, connectTimeoutMs, maxConnections, idleTimeoutMs } = context.settingsOf(carried.service);
  return { targets: behind.targets, affinityTimeoutMs, connectTimeoutMs, maxConnections, idleTimeoutMs };
}

/** The port as its Service declares it; null for ExternalName Services, which may declare none, and where there is none. */
function carriedPort({ target, protocol }: PortEntry, { objects }: L4Context): CarriedPort | null {
  const service = objects.get('Service', target.namespace, target.service);
  if (service === undefined || service.type === 'ExternalName') return null;
  const wanted = target.port;
  const port = service.ports.find(
    (one) => one.protocol.toLowerCase() === protocol && (wanted.type === 'number' ? one.port === wanted.number : one.name === wanted.name),
  );
  return port === undefined ? null : { service, port, protocol, node: null };
}

/** Whose PROXY headers are believed: `proxy-real-ip-cidr`, else everybody's, as in ingress-nginx. A bad list widens nothing. */
function trustedCidrs({ objects, options }: L4Context): readonly string[] {
  const [namespace = '', name = ''] = (options.configMap ?? '').split('/');
  const text = objects.get('ConfigMap', namespace, name)?.data.get('proxy-real-ip-cidr') ?? '';
  if (text === '') return EVERYBODY;
  const parsed = parseCidrList(text);
  return parsed.ok ? parsed.value : [];
}

function missingMap(ref: { readonly namespace: string; readonly name: string }, protocol: 'tcp' | 'udp'): Problem {
  return {
    severity: 'warning',
    object: { kind: 'ConfigMap', ...ref },
    position: null,
    field: '',
    rule: `is named by --${protocol}-services-configmap and must exist`,
    value: printValue(`${ref.namespace}/${ref.name}`),
    effect: 'no port is opened for it',
  };
}
