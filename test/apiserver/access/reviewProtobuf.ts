import { badRequest } from '../apiError.ts';
import type { JsonObject } from '../json.ts';

/** Media type of Kubernetes' protobuf: `k8s\0`, then a runtime.Unknown around the object. */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const MAGIC = Buffer.from('k8s\0');
/** Fields of the messages, by number (authorization/v1 generated.proto). */
const RESOURCE = ['namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'];
const PATH = ['path', 'verb'];

/** Reads a SelfSubjectAccessReview, which kubectl sends as protobuf only. Throws 400. */
export function decodeSelfReview(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(MAGIC)) throw badRequest('the body does not begin as Kubernetes\' protobuf does');
  const raw = fieldsOf(body.subarray(4)).get(2) ?? Buffer.alloc(0);
  const spec = fieldsOf(fieldsOf(raw).get(2) ?? Buffer.alloc(0));
  const [resource, path] = [spec.get(1), spec.get(2)];
  return {
    spec: {
      ...(resource === undefined ? {} : { resourceAttributes: named(resource, RESOURCE) }),
      ...(path === undefined ? {} : { nonResourceAttributes: named(path, PATH) }),
    },
  };
}

function named(message: Buffer, names: readonly string[]): JsonObject {
  const fields = fieldsOf(message);
  return Object.fromEntries(names.map((name, index) => [name, fields.get(index + 1)?.toString() ?? '']));
}

/** Length-delimited fields of a message by number; the last one of each. */
function fieldsOf(message: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  let offset = 0;
  const varint = (): number => {
    let [value, shift] = [0, 0];
    for (;;) {
      const octet = message[offset];
      if (octet === undefined || shift > 28) throw badRequest('the body is no protobuf');
      offset += 1;
      value += (octet & 0x7f) * 2 ** shift;
      if (octet < 0x80) return value;
      shift += 7;
    }
  };
  while (offset < message.length) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) varint();
    else if (wireType === 2) {
      const length = varint();
      fields.set(tag >>> 3, message.subarray(offset, offset + length));
      offset += length;
    } else throw badRequest('the body is no protobuf');
  }
  return fields;
}
