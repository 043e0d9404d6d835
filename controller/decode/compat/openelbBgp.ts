import { isIP } from 'node:net';
import { OPENELB_GROUP } from './eip.ts';
import type { Decoded } from '../decodeObject.ts';
import { isPlainMap } from '../plainMap.ts';
import { decodeOwnForm, isSet, notTaken, notTakenFields, refused, valueAt, withoutUnset } from './foreignObject.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** Only the BgpConf of this name counts. */
const CONF_NAME = 'default';

const CONF_EFFECTS: Readonly<Record<string, string>> = {
  asPerRack: 'every node speaks as the one AS of spec.as',
  listenPort: 'a peer with passiveMode connects to TCP port 179',
  listenAddresses: 'a peer with passiveMode connects to any address of the node',
  families: 'each session carries the family of its own address',
  useMultiplePaths: 'routes of peers are not used',
  policy: 'routes are announced as they are; write BGPAdvertisements for communities and preferences',
};

/** The bound of our own field. */
const MAX_PATHS = 64;

const CONF_FIELD_EFFECTS: Readonly<Record<string, string>> = {
  peerGroup: 'there are no groups of peers',
  peerType: 'the AS numbers say it',
  sendCommunity: 'communities are sent where there are any',
  removePrivateAs: 'AS numbers are sent as they are',
  routeFlapDamping: 'routes of peers are not used',
  allowOwnAs: 'routes of peers are not used',
  replacePeerAs: 'AS numbers are sent as they are',
};

const GRACEFUL_RESTART_EFFECTS: Readonly<Record<string, string>> = {
  helperOnly: 'a restart is announced too',
  deferralTime: 'routes of peers are not waited for',
  longlivedEnabled: 'routes are not kept beyond the restart',
  staleRoutesTime: 'routes of peers are not used',
};

const TRANSPORT_EFFECTS: Readonly<Record<string, string>> = {
  mtuDiscovery: 'the system decides',
  tcpMss: 'the system decides',
};

/**
 * network.kubesphere.io/v1alpha2 BgpConf and BgpPeer, all there are of both: a peer needs the AS number of the BgpConf, so
 * one is not to be understood without the other. Every peer becomes a BGPPeer; the BgpConf gives problems only.
 */
export function decodeOpenelbBgp(values: readonly unknown[]): readonly Decoded[] {
  const confs = values.filter((value) => valueAt(value, 'kind') === 'BgpConf');
  const peers = values.filter((value) => valueAt(value, 'kind') === 'BgpPeer');
  const conf = confs.find((value) => valueAt(value, 'metadata', 'name') === CONF_NAME);
  const confProblems = conf === undefined ? [] : notTakenFields(valueAt(conf, 'spec'), 'spec', CONF_EFFECTS);
  const ofConf: Decoded = { object: null, ref: null, problems: confProblems.map(nameConf) };
  return [...(confProblems.length === 0 ? [] : [ofConf]), ...peers.map((peer) => decodePeer(peer, valueAt(conf, 'spec')))];
}

/** No own kind stands for the BgpConf, so its problems say in their text where they belong. */
function nameConf(problem: Problem): Problem {
  return { ...problem, field: `BgpConf ${CONF_NAME}: ${problem.field}` };
}

function decodePeer(value: unknown, confSpec: unknown): Decoded {
  const spec = valueAt(value, 'spec');
  const conf = valueAt(spec, 'conf');
  const metadata = valueAt(value, 'metadata');
  const selector = valueAt(spec, 'nodeSelector');
  const decoded = decodeOwnForm(
    {
      kind: 'BGPPeer',
      group: OPENELB_GROUP,
      metadata: isPlainMap(metadata) ? metadata : {},
      spec: {
        ...withoutUnset({
          myASN: valueAt(confSpec, 'as'),
          peerASN: valueAt(conf, 'peerAs'),
          localASN: valueAt(conf, 'localAs'),
          peerAddress: valueAt(conf, 'neighborAddress'),
          interface: valueAt(conf, 'neighborInterface'),
          password: valueAt(conf, 'authPassword'),
          vrf: valueAt(conf, 'vrf'),
          peerPort: valueAt(spec, 'transport', 'remotePort'),
          routerID: valueAt(confSpec, 'routerId'),
          ebgpMultiHop: isMultihop(spec, confSpec),
          connectMode: valueAt(spec, 'transport', 'passiveMode') === true ? 'passive' : undefined,
          multihopTTL: isMultihop(spec, confSpec) === true ? valueAt(spec, 'ebgpMultihop', 'multihopTtl') : undefined,
          dualStackAddressFamily: familiesOf(spec).size > 1,
          addPathSend: addPathSendOf(spec),
          gracefulRestartTime: restartTimeOf(spec, confSpec),
          enableGracefulRestart: valueAt(spec, 'gracefulRestart', 'enabled') ?? valueAt(confSpec, 'gracefulRestart', 'enabled'),
          ...timersOf(spec),
        }),
        // Without an AS of the BgpConf, the peer's own is all there is.
        ...(isSet(valueAt(confSpec, 'as')) ? {} : withoutUnset({ myASN: valueAt(conf, 'localAs') })),
        ...(isSet(selector) ? { nodeSelectors: [selector] } : {}),
      },
      fields: [...asnFields(conf, confSpec), ...PEER_FIELDS],
      problems: peerProblems(spec, confSpec),
    },
    '',
  );
  if (valueAt(conf, 'adminDown') !== true) return decoded;
  const down = notTaken('spec.conf.adminDown', 'the peer is not taken: it is switched off', true);
  // Without a reference: its last good form must not stay in use.
  return { object: null, ref: null, problems: [{ ...down, object: decoded.ref }] };
}

/** OpenELB sends 10 paths where nothing is said; of several families the most counts. */
function addPathSendOf(spec: unknown): number | undefined {
  const families = valueAt(spec, 'afiSafis');
  if (!Array.isArray(families)) return undefined;
  const most = families.map((family: unknown) => valueAt(family, 'addPaths', 'config', 'sendMax') ?? valueAt(family, 'addPaths', 'sendMax')).filter((value) => typeof value === 'number');
  return most.length === 0 ? undefined : Math.min(MAX_PATHS, Math.max(...most));
}

/** Only of a peer that restarts gracefully at all. */
function restartTimeOf(spec: unknown, confSpec: unknown): string | undefined {
  const own = [spec, confSpec].find((value) => valueAt(value, 'gracefulRestart', 'enabled') === true);
  const seconds = valueAt(own, 'gracefulRestart', 'restartTime');
  return typeof seconds === 'number' && seconds > 0 ? `${seconds}s` : undefined;
}

/** Seconds as texts, `"30"`: GoBGP's API writes 64-bit numbers so. */
function timersOf(spec: unknown): Readonly<Record<string, unknown>> {
  const config = valueAt(spec, 'timers', 'config');
  const seconds = (key: string): unknown => {
    const value = valueAt(config, key);
    return typeof value === 'string' && /^\d{1,10}$/.test(value) && Number(value) > 0 ? `${Number(value)}s` : value === '0' ? undefined : value;
  };
  return { holdTime: seconds('holdTime'), keepaliveTime: seconds('keepaliveInterval'), connectTime: seconds('connectRetry') };
}

const PEER_FIELDS: readonly (readonly [string, string])[] = [
  ['spec.routerID', `BgpConf ${CONF_NAME}: spec.routerId`],
  ['spec.localASN', 'spec.conf.localAs'],
  ['spec.peerASN', 'spec.conf.peerAs'],
  ['spec.peerAddress', 'spec.conf.neighborAddress'],
  ['spec.interface', 'spec.conf.neighborInterface'],
  ['spec.password', 'spec.conf.authPassword'],
  ['spec.vrf', 'spec.conf.vrf'],
  ['spec.peerPort', 'spec.transport.remotePort'],
  ['spec.ebgpMultiHop', 'spec.ebgpMultihop.enabled'],
  ['spec.enableGracefulRestart', 'spec.gracefulRestart.enabled'],
  ['spec.holdTime', 'spec.timers.config.holdTime'],
  ['spec.keepaliveTime', 'spec.timers.config.keepaliveInterval'],
  ['spec.connectTime', 'spec.timers.config.connectRetry'],
  ['spec.nodeSelectors[0]', 'spec.nodeSelector'],
  ['spec.multihopTTL', 'spec.ebgpMultihop.multihopTtl'],
  ['spec.gracefulRestartTime', 'spec.gracefulRestart.restartTime'],
];

/** Where the own AS comes from, or is to come from. */
function asnFields(conf: unknown, confSpec: unknown): readonly (readonly [string, string])[] {
  const isOfPeer = isSet(valueAt(conf, 'localAs')) && !isSet(valueAt(confSpec, 'as'));
  return [['spec.myASN', isOfPeer ? 'spec.conf.localAs' : `BgpConf ${CONF_NAME}: spec.as`]];
}

/** GoBGP heeds it for peers of other ASes alone; those of the own AS may be any number of hops away. */
function isMultihop(spec: unknown, confSpec: unknown): unknown {
  return isInternal(spec, confSpec) ? undefined : valueAt(spec, 'ebgpMultihop', 'enabled');
}

function isInternal(spec: unknown, confSpec: unknown): boolean {
  const own = isSet(valueAt(confSpec, 'as')) ? valueAt(confSpec, 'as') : valueAt(spec, 'conf', 'localAs');
  return isSet(own) && valueAt(spec, 'conf', 'peerAs') === own;
}

/** GoBGP's names of unicast families → ours. */
const FAMILIES: ReadonlyMap<unknown, 4 | 6> = new Map([['AFI_IP', 4], ['AFI_IP6', 6]]);

/** Families of the session, where all that is said of them can be done. */
function familiesOf(spec: unknown): ReadonlySet<4 | 6 | null> {
  const said = valueAt(spec, 'afiSafis');
  if (!Array.isArray(said)) return new Set();
  const families = said.filter((entry) => isSet(valueAt(entry, 'config'))).map((entry: unknown) => {
    const [afi, safi] = ['afi', 'safi'].map((key) => valueAt(entry, 'config', 'family', key));
    const isTaken = safi === 'SAFI_UNICAST' && valueAt(entry, 'config', 'enabled') === true;
    return isTaken ? FAMILIES.get(afi) ?? null : null;
  });
  return families.includes(null) ? new Set([null]) : new Set(families);
}

/** True where the one family that is said is that of the address, as it is anyway, or where both are. */
function isFamilyTaken(spec: unknown): boolean {
  const [family, ...others] = familiesOf(spec);
  return family === undefined || others.length > 0 || family === isIP(String(valueAt(spec, 'conf', 'neighborAddress')));
}

function peerProblems(spec: unknown, confSpec: unknown): Problem[] {
  const conf = valueAt(spec, 'conf');
  const multihopTtl = valueAt(spec, 'ebgpMultihop', 'multihopTtl');
  const remote = valueAt(spec, 'transport', 'remoteAddress');
  const problems = [
    ...notTakenFields(conf, 'spec.conf', CONF_FIELD_EFFECTS),
    ...notTakenFields(valueAt(spec, 'gracefulRestart'), 'spec.gracefulRestart', GRACEFUL_RESTART_EFFECTS),
    ...notTakenFields(valueAt(spec, 'transport'), 'spec.transport', TRANSPORT_EFFECTS),
    ...notTakenFields(valueAt(spec, 'timers', 'config'), 'spec.timers.config', { minimumAdvertisementInterval: 'routes are announced as soon as they change' }),
  ];
  if (isSet(multihopTtl) && valueAt(spec, 'ebgpMultihop', 'enabled') !== true) problems.push(notTaken('spec.ebgpMultihop.multihopTtl', 'ebgpMultihop is not enabled', multihopTtl));
  if (isInternal(spec, confSpec) && valueAt(spec, 'ebgpMultihop', 'enabled') === true) {
    problems.push(notTaken('spec.ebgpMultihop.enabled', 'a peer of the own AS may be any number of hops away', true));
  }
  if (!isFamilyTaken(spec)) problems.push(notTaken('spec.afiSafis', 'each session carries the family of its own address'));
  if (isSet(remote) && remote !== valueAt(conf, 'neighborAddress')) {
    problems.push(refused('spec.transport.remoteAddress', 'must be spec.conf.neighborAddress', 'the peer is dialled at spec.conf.neighborAddress'));
  }
  return problems;
}
