import { announcementRoom } from '../codec/encodeUpdate.ts';
import type { AddressFamily, CodecOptions, PathAttributes } from '../codec/message.ts';
import { MAX_NLRI_LENGTH } from '../codec/prefix.ts';
import type { OutRoute } from './outRoute.ts';

/** What of a family's routes a session can carry. */
export interface SendableRoutes {
  /** Octets of NLRI that fit in a message beside these attributes. */
  roomBeside(attributes: PathAttributes): number;
  /** Why a route cannot be sent, in words; null: it can. */
  obstacle(route: OutRoute): string | null;
}

/** For one session; what it finds of attributes is remembered for as long as they live. */
export function sendableRoutes(family: AddressFamily, codec: CodecOptions): SendableRoutes {
  const rooms = new WeakMap<PathAttributes, number>();
  const withPathId = codec.addPathSend.includes(family);

  function roomBeside(attributes: PathAttributes): number {
    const known = rooms.get(attributes);
    if (known !== undefined) return known;
    const room = announcementRoom(family, attributes, codec);
    rooms.set(attributes, room);
    return room;
  }

  return {
    roomBeside,
    obstacle({ pathId, attributes }) {
      if ((pathId !== 0) !== withPathId) {
        return withPathId ? 'it has no Path Identifier' : 'its Path Identifier was not negotiated';
      }
      return roomBeside(attributes) < MAX_NLRI_LENGTH ? 'its attributes are longer than a message' : null;
    },
  };
}
