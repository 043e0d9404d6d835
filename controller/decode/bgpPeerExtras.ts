import type { BGPPeerExtras, TcpAuthenticationOption } from '../model/bgpPeer.ts';
import { decodeDuration } from './duration.ts';
import type { FieldReader } from './fieldReader.ts';
import type { TextForm } from './textForm.ts';
import { reportUnknownFields } from './unknownFields.ts';

/** Fields of a BGPPeer that MetalLB does not have. */
export const EXTRA_FIELDS: readonly string[] = [
  'connectMode', 'delayOpenTime', 'multihopTTL', 'ttlSecurity', 'tcpAO', 'addPathSend', 'gracefulRestartTime', 'longLivedStaleTime', 'role', 'shutdown',
];

const MS_PER_SECOND = 1000;
/** RFC 4271 gives no bound; longer than this, nobody waits for an OPEN. */
const MAX_DELAY_OPEN_S = 240;
const MAX_TTL = 255;
/** Ours: as many nodes as may be the way to one address. */
const MAX_PATHS = 64;
/** RFC 4724 section 3: Restart Time has 12 bits. */
const MAX_RESTART_S = 4095;
/** RFC 9494 section 3: Long-Lived Stale Time has 24 bits. */
const MAX_STALE_S = 16_777_215;
const MAX_KEY_ID = 255;
/** RFC 9003: the Shutdown Communication has one octet of length. */
const MAX_MESSAGE_BYTES = 255;
const ROLES = ['provider', 'route-server', 'route-server-client', 'customer', 'peer'] as const;
const ALGORITHMS = ['hmac-sha1-96', 'aes-128-cmac-96', 'hmac-sha256'] as const;

const MESSAGE: TextForm = {
  rule: `must be a text of 1 to ${MAX_MESSAGE_BYTES} bytes (UTF-8) without control characters`,
  matches: (text) => text !== '' && Buffer.byteLength(text) <= MAX_MESSAGE_BYTES && !/\p{Cc}/u.test(text),
};

const NONE: BGPPeerExtras = {
  connectMode: 'active', delayOpenTimeMs: 0, multihopTTL: null, ttlSecurity: false, tcpAO: null, addPathSend: 0, gracefulRestartTimeMs: null,
  longLivedStaleTimeMs: null, role: null, shutdown: null,
};

/** Reads them; null stands for an object that cannot have them. */
export function decodeBgpPeerExtras(spec: FieldReader | null): BGPPeerExtras {
  if (spec === null) return NONE;
  const tcpAO = spec.map('tcpAO');
  return {
    connectMode: spec.choice('connectMode', ['active', 'passive', 'both']) ?? NONE.connectMode,
    delayOpenTimeMs: wholeSeconds(spec, 'delayOpenTime', { min: 0, max: MAX_DELAY_OPEN_S }) ?? NONE.delayOpenTimeMs,
    multihopTTL: spec.integer('multihopTTL', 1, MAX_TTL),
    ttlSecurity: spec.flag('ttlSecurity') ?? NONE.ttlSecurity,
    tcpAO: tcpAO === null ? null : decodeTcpAo(tcpAO),
    addPathSend: spec.integer('addPathSend', 0, MAX_PATHS) ?? NONE.addPathSend,
    gracefulRestartTimeMs: wholeSeconds(spec, 'gracefulRestartTime', { min: 1, max: MAX_RESTART_S }),
    longLivedStaleTimeMs: wholeSeconds(spec, 'longLivedStaleTime', { min: 1, max: MAX_STALE_S }),
    role: spec.choice('role', ROLES),
    shutdown: decodeShutdown(spec),
  };
}

function decodeTcpAo(reader: FieldReader): TcpAuthenticationOption {
  reportUnknownFields(reader, ['keyID', 'receiveKeyID', 'algorithm']);
  const keyID = reader.integer('keyID', 0, MAX_KEY_ID) ?? 0;
  return {
    keyID,
    receiveKeyID: reader.integer('receiveKeyID', 0, MAX_KEY_ID) ?? keyID,
    algorithm: reader.choice('algorithm', ALGORITHMS) ?? 'hmac-sha1-96',
  };
}

function decodeShutdown(spec: FieldReader): string | null {
  const shutdown = spec.map('shutdown');
  if (shutdown === null) return null;
  reportUnknownFields(shutdown, ['message']);
  return shutdown.text('message', MESSAGE) ?? '';
}

function wholeSeconds(spec: FieldReader, key: string, { min, max }: { readonly min: number; readonly max: number }): number | null {
  const timeMs = decodeDuration(spec, key);
  if (timeMs === null) return null;
  const isWhole = timeMs % MS_PER_SECOND === 0 && timeMs >= min * MS_PER_SECOND && timeMs <= max * MS_PER_SECOND;
  if (!isWhole) spec.fail(key, `must be a duration of whole seconds from ${min}s to ${max}s`, spec.value(key));
  return timeMs;
}
