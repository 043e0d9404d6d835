import { MAX_SETTINGS_ENTRIES } from './floodGuard.ts';
import { MAX_31_BITS, SETTING } from './frames.ts';
import { fault, type ConnectionFault } from './h2Input.ts';

/** SETTINGS_MAX_FRAME_SIZE may be 2^14 to 2^24-1 (RFC 9113 section 6.5.2). */
const LEAST_FRAME_BYTES = 16_384;
const MOST_FRAME_BYTES = 16_777_215;

/** What of a client's SETTINGS is acted on; the rest only has to be valid. */
export interface ClientSettings {
  /** The last one said; null: not said. */
  readonly initialWindow: number | null;
  /** The HPACK table was named, so the next block has to begin with its size. */
  readonly resetsTable: boolean;
}

/** Reads the entries of one SETTINGS frame (RFC 9113 section 6.5.2). */
export function readClientSettings(entries: readonly (readonly [number, number])[]): ClientSettings | ConnectionFault {
  if (entries.length > MAX_SETTINGS_ENTRIES) return fault('enhanceYourCalm', 'too many settings in one frame');
  let initialWindow: number | null = null;
  let resetsTable = false;
  for (const [id, value] of entries) {
    switch (id) {
      case SETTING.headerTableSize:
        resetsTable = true;
        break;
      case SETTING.initialWindowSize:
        if (value > MAX_31_BITS) return fault('flowControlError', 'SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1 (RFC 9113 6.5.2)');
        initialWindow = value;
        break;
      case SETTING.enablePush:
      case SETTING.enableConnectProtocol:
        if (value > 1) return fault('protocolError', 'a setting other than 0 and 1 (RFC 9113 6.5.2)');
        break;
      case SETTING.maxFrameSize:
        if (value < LEAST_FRAME_BYTES || value > MOST_FRAME_BYTES) {
          return fault('protocolError', 'SETTINGS_MAX_FRAME_SIZE out of range (RFC 9113 6.5.2)');
        }
        break;
      default:
        break;
    }
  }
  return { initialWindow, resetsTable };
}
