import { isLogLevel, type LogLevel } from '../../core/log/logger.ts';
import type { ListenerProtocol, ListenerSpec, ProxyStart, ToProxy } from '../../core/ipc/messages.ts';

/** A start message whose log level is known. */
export type DecodedStart = ProxyStart & { readonly logLevel: LogLevel };
/** What decodeToProxy answers. */
export type DecodedToProxy = DecodedStart | Exclude<ToProxy, ProxyStart>;

const PROTOCOLS: readonly ListenerProtocol[] = ['http', 'https', 'tcp', 'udp'];
/** Base64 of 32 octets. */
const TICKET_SECRET = /^[A-Za-z0-9+/]{43}=$/;
const MAX_PORT = 65_535;

/**
 * Checks what the controller sends; throws TypeError when it is no message of this protocol, which means that the two
 * are of different versions. The controller is trusted with the content of deltas: it has validated them.
 */
export function decodeToProxy(value: unknown): DecodedToProxy {
  if (isStart(value) || isOther(value)) return value;
  throw new TypeError('message from the controller is not of this protocol: controller and proxy differ in version');
}

function isOther(value: unknown): value is Exclude<ToProxy, ProxyStart> {
  if (!hasType(value)) return false;
  switch (value.type) {
    case 'apply': return 'delta' in value && isObject(value.delta) && 'generation' in value.delta && isCount(value.delta.generation);
    case 'listen': return 'id' in value && isCount(value.id) && 'listeners' in value && isArrayOf(value.listeners, isListener);
    case 'unlisten': return 'id' in value && isCount(value.id) && 'listeners' in value && isArrayOf(value.listeners, isCount);
    case 'drain': return 'timeoutMs' in value && isCount(value.timeoutMs);
    case 'explain': return 'id' in value && isCount(value.id) && 'request' in value && isObject(value.request);
    case 'collect': return 'id' in value && isCount(value.id) && 'endpoints' in value && typeof value.endpoints === 'boolean';
    default: return false;
  }
}

function isStart(value: unknown): value is DecodedStart {
  return hasType(value) && value.type === 'start'
    && 'workers' in value && isCount(value.workers) && value.workers > 0
    && 'listeners' in value && isCount(value.listeners)
    && 'ticketSecret' in value && typeof value.ticketSecret === 'string' && TICKET_SECRET.test(value.ticketSecret)
    && 'accessLogFormat' in value && isFormat(value.accessLogFormat)
    && 'logLevel' in value && isLogLevel(value.logLevel)
    && 'logFormat' in value && isFormat(value.logFormat);
}

function isListener(value: unknown): value is ListenerSpec {
  return isObject(value)
    && 'id' in value && isCount(value.id)
    && 'protocol' in value && PROTOCOLS.some((protocol) => protocol === value.protocol)
    && 'address' in value && typeof value.address === 'string'
    && 'port' in value && isCount(value.port) && value.port > 0 && value.port <= MAX_PORT;
}

function isArrayOf(value: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isElement);
}

function hasType(value: unknown): value is { readonly type: unknown } {
  return isObject(value) && 'type' in value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isFormat(value: unknown): value is 'text' | 'json' {
  return value === 'text' || value === 'json';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
