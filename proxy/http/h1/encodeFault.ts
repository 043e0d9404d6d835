/** What an encoder was asked to write and refuses. */
export type EncodeFaultCode =
  /** A field name is no token. */
  | 'fieldName'
  /** A field value holds CR, LF, NUL, another control, or a character above 0xff. */
  | 'fieldValue'
  /** A field that the encoder itself writes from its other arguments: framing, Connection. */
  | 'controlField'
  /** Method, target, authority or protocol off the grammar. */
  | 'startLine'
  /** A length or chunk size that is no integer of 0 to 2^53-1. */
  | 'length';

/**
 * A head that must not go out: written as it is, it would let one message be taken for two (RFC 9112 section 11.1).
 * Always a fault of the code in between, since decoders let nothing of the kind in. The message of the error holds no
 * received octets.
 */
export class EncodeFault extends Error {
  readonly code: EncodeFaultCode;

  constructor(code: EncodeFaultCode) {
    super(`refused to encode: invalid ${code}`);
    this.name = 'EncodeFault';
    this.code = code;
  }
}
