import forge from 'node-forge';
import { randomBytes, sign, type KeyObject } from 'node:crypto';

/** What stands in a certificate to be issued. */
export interface CertificateTemplate {
  readonly commonName: string;
  /** DNS names of the subjectAltName extension; empty: no such extension. */
  readonly dnsNames: readonly string[];
  /** Validity, ms since the epoch; whole seconds are kept. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** `authority` may sign others, `server` is for TLS servers, `client` for their clients. */
  readonly usage: 'authority' | 'server' | 'client';
}

/** Who signs: its subject common name and its private key (EC signs with SHA-256, RSA with PKCS #1 v1.5 and SHA-256, Ed25519). */
export interface CertificateIssuer {
  readonly commonName: string;
  readonly privateKey: KeyObject;
}

const { asn1, pki } = forge;
type Asn1 = forge.asn1.Asn1;

/** RFC 5280 4.1.2.4 signature algorithms by key type: OID, and whether the parameters are an explicit NULL (RFC 3279, 5758, 8410). */
const SIGNATURES = {
  ec: { oid: '1.2.840.10045.4.3.2', nullParameters: false, digest: 'sha256' },
  rsa: { oid: '1.2.840.113549.1.1.11', nullParameters: true, digest: 'sha256' },
  ed25519: { oid: '1.3.101.112', nullParameters: false, digest: null },
} as const;

/** Serial numbers are positive and at most 20 octets (RFC 5280 4.1.2.2). */
const SERIAL_BYTES = 16;

/**
 * Signs an X.509 v3 certificate and returns it as PEM. node-forge encodes names and extensions; the keys and the signature
 * are OpenSSL's, because node-forge knows no EC keys and makes RSA keys a hundred times slower. Throws a TypeError when the
 * issuer's key is neither EC, RSA nor Ed25519.
 */
export function issueCertificate(template: CertificateTemplate, publicKey: KeyObject, issuer: CertificateIssuer): string {
  const signature = signatureOf(issuer.privateKey);
  const toBeSigned = sequence([
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [integer('\x02')]),
    integer(serialNumber()),
    algorithmIdentifier(signature),
    distinguishedName(issuer.commonName),
    sequence([time(template.notBeforeMs), time(template.notAfterMs)]),
    distinguishedName(template.commonName),
    asn1.fromDer(publicKey.export({ type: 'spki', format: 'der' }).toString('latin1')),
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 3, true, [extensionsOf(template)]),
  ]);
  const signed = sign(signature.digest, Buffer.from(asn1.toDer(toBeSigned).getBytes(), 'latin1'), issuer.privateKey);
  const certificate = sequence([
    toBeSigned,
    algorithmIdentifier(signature),
    primitive(asn1.Type.BITSTRING, `\x00${signed.toString('latin1')}`),
  ]);
  const body = asn1.toDer(certificate).getBytes();
  return forge.pem.encode({ type: 'CERTIFICATE', body }).replaceAll('\r\n', '\n');
}

type SignatureAlgorithm = (typeof SIGNATURES)[keyof typeof SIGNATURES];

function signatureOf(key: KeyObject): SignatureAlgorithm {
  const type = key.asymmetricKeyType;
  if (type === 'ec' || type === 'rsa' || type === 'ed25519') return SIGNATURES[type];
  throw new TypeError(`an issuer's key must be EC, RSA or Ed25519 (got ${String(type)})`);
}

function algorithmIdentifier(signature: SignatureAlgorithm): Asn1 {
  const oid = primitive(asn1.Type.OID, asn1.oidToDer(signature.oid).getBytes());
  return sequence(signature.nullParameters ? [oid, primitive(asn1.Type.NULL, '')] : [oid]);
}

function distinguishedName(commonName: string): Asn1 {
  const certificate = pki.createCertificate();
  certificate.setSubject([{ name: 'commonName', value: commonName, valueTagClass: asn1.Type.UTF8 as never }]);
  return pki.distinguishedNameToAsn1(certificate.subject);
}

function extensionsOf(template: CertificateTemplate): Asn1 {
  const certificate = pki.createCertificate();
  const authority = template.usage === 'authority';
  certificate.setExtensions([
    { name: 'basicConstraints', cA: authority, critical: true },
    authority
      ? { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true }
      : { name: 'keyUsage', digitalSignature: true, critical: true },
    ...(authority ? [] : [{ name: 'extKeyUsage', serverAuth: template.usage === 'server', clientAuth: template.usage === 'client' }]),
    // GeneralName type 2 is dNSName (RFC 5280 4.2.1.6).
    ...(template.dnsNames.length === 0
      ? []
      : [{ name: 'subjectAltName', altNames: template.dnsNames.map((value) => ({ type: 2, value })) }]),
  ]);
  return sequence(certificate.extensions.map(extension));
}

/** What node-forge fills in for an extension it has encoded; its types say `any`. */
interface EncodedExtension {
  readonly id: string;
  readonly critical?: boolean;
  readonly value: Asn1 | string;
}

function extension(encoded: EncodedExtension): Asn1 {
  const value = typeof encoded.value === 'string' ? encoded.value : asn1.toDer(encoded.value).getBytes();
  const parts = [primitive(asn1.Type.OID, asn1.oidToDer(encoded.id).getBytes())];
  if (encoded.critical === true) parts.push(primitive(asn1.Type.BOOLEAN, '\xff'));
  parts.push(primitive(asn1.Type.OCTETSTRING, value));
  return sequence(parts);
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 4.1.2.5). */
function time(atMs: number): Asn1 {
  const date = new Date(atMs);
  return date.getUTCFullYear() < 2050
    ? primitive(asn1.Type.UTCTIME, asn1.dateToUtcTime(date))
    : primitive(asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

function serialNumber(): string {
  const octets = randomBytes(SERIAL_BYTES);
  // First octet 0x40 to 0x7f: positive without a leading zero octet, so always the shortest encoding.
  octets.writeUInt8((octets.readUInt8(0) & 0x3f) | 0x40, 0);
  return octets.toString('latin1');
}

function sequence(parts: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
}

function primitive(type: forge.asn1.Type, value: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
}

function integer(octets: string): Asn1 {
  return primitive(asn1.Type.INTEGER, octets);
}
