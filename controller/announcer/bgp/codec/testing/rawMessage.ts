/** For tests: messages octet by octet, malformed ones too, made without the encoder. */
export function rawMessage(type: number, body: readonly number[], length = 19 + body.length): Uint8Array {
  return Uint8Array.from([...Array.from({ length: 16 }, () => 0xff), length >> 8, length & 0xff, type, ...body]);
}

/** For tests: an OPEN of AS 64512 with router id 192.0.2.1; `parameters` begin with their length. */
export function rawOpen(parameters: readonly number[], fixed: Readonly<Record<number, number>> = {}): Uint8Array {
  const body = [4, 0xfc, 0, 0, 90, 192, 0, 2, 1, ...parameters];
  for (const [offset, octet] of Object.entries(fixed)) body[Number(offset)] = octet;
  return rawMessage(1, body);
}

export interface RawUpdate {
  readonly withdrawn?: readonly number[];
  readonly attributes?: readonly (readonly number[])[];
  readonly nlri?: readonly number[];
}

/** For tests: an UPDATE with right lengths. */
export function rawUpdate({ withdrawn = [], attributes = [], nlri = [] }: RawUpdate): Uint8Array {
  const list = attributes.flat();
  return rawMessage(2, [withdrawn.length >> 8, withdrawn.length & 0xff, ...withdrawn, list.length >> 8, list.length & 0xff, ...list, ...nlri]);
}

/** For tests: an attribute with the length that it has, in one octet. */
export function rawAttribute(flags: number, code: number, value: readonly number[]): readonly number[] {
  return [flags, code, value.length, ...value];
}
