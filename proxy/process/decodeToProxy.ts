import { isLogLevel, type LogLevel } from '../../core/log/logger.ts';
import type { ListenerSpec, ProxyStart, ToProxy } from '../../core/ipc/messages.ts';

/** A start message whose log level is known. */
export type DecodedStart = ProxyStart & { readonly logLevel: LogLevel };
/** What decodeToProxy answers. */
export type DecodedToProxy = DecodedStart | Exclude<ToProxy, ProxyStart>;

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
    case 'drain': return 'timeoutMs' in value && isCount(value.timeoutMs);
    case 'explain': return 'id' in value && isCount(value.id) && 'request' in value && isObject(value.request);
    case 'collect': return 'id' in value && isCount(value.id);
    default: return false;
  }
}

function isStart(value: unknown): value is DecodedStart {
  return hasType(value) && value.type === 'start'
    && 'workers' in value && isCount(value.workers) && value.workers > 0
    && 'listeners' in value && Array.isArray(value.listeners) && value.listeners.every(isListener)
    && 'accessLogFormat' in value && isFormat(value.accessLogFormat)
    && 'logLevel' in value && isLogLevel(value.logLevel)
    && 'logFormat' in value && isFormat(value.logFormat);
}

function isListener(value: unknown): value is ListenerSpec {
  return isObject(value)
    && 'protocol' in value && (value.protocol === 'http' || value.protocol === 'https')
    && 'address' in value && typeof value.address === 'string'
    && 'port' in value && isCount(value.port)
    && 'descriptors' in value && Array.isArray(value.descriptors) && value.descriptors.every(isCount);
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
