import type { Problem } from '../../../core/ir/problem.ts';
import type { Ingress } from '../../model/ingress.ts';
import { BACKEND_TLS, TRANSPORT, type BackendProtocol } from '../annotations/backendTlsRows.ts';
import type { AnnotationValues } from '../annotations/readAnnotations.ts';
import { problemOf } from '../problemOf.ts';
import type { BackendTlsWish, TransportWish } from '../transportPolicy.ts';

const TLS_ROWS = Object.values(BACKEND_TLS);

/** How an Ingress wants its backends spoken to; null when it does not say. */
export function planTransport(
  ingress: Ingress,
  values: AnnotationValues,
): { readonly wish: TransportWish | null; readonly problems: readonly Problem[] } {
  const protocol = values.get(TRANSPORT.protocol);
  const wish = values.has(TRANSPORT.protocol) ? wishOf(protocol, values) : null;
  // A bad protocol denies the Ingress: then nothing has an effect, and that is said already.
  const isUsed = wish === null ? values.isWritten(TRANSPORT.protocol) : wish.tls !== null;
  return { wish, problems: isUsed ? [] : unusedRows(ingress, values) };
}

function wishOf(protocol: BackendProtocol, values: AnnotationValues): TransportWish {
  switch (protocol) {
    case 'HTTP':
      return { protocol: 'http1', tlsWhen: 'always', tls: null };
    case 'HTTPS':
      return { protocol: 'http1', tlsWhen: 'always', tls: tlsOf(values) };
    case 'AUTO_HTTP':
      return { protocol: 'http1', tlsWhen: 'asClient', tls: tlsOf(values) };
    case 'GRPC':
      return { protocol: 'http2', tlsWhen: 'always', tls: null };
    case 'GRPCS':
      return { protocol: 'http2', tlsWhen: 'always', tls: tlsOf(values) };
  }
}

function tlsOf(values: AnnotationValues): BackendTlsWish {
  return {
    secret: values.get(BACKEND_TLS.secret),
    secretField: values.fieldOf(BACKEND_TLS.secret),
    verify: values.get(BACKEND_TLS.verify) === 'on',
    verifyField: values.fieldOf(BACKEND_TLS.verify),
    verifyDepth: values.get(BACKEND_TLS.verifyDepth),
    name: values.get(BACKEND_TLS.name),
    sendsName: values.get(BACKEND_TLS.serverName) === 'on',
    versions: values.get(BACKEND_TLS.protocols),
    ciphers: values.get(BACKEND_TLS.ciphers),
  };
}

function unusedRows(ingress: Ingress, values: AnnotationValues): Problem[] {
  const rule = 'takes effect only together with backend-protocol HTTPS, GRPCS or AUTO_HTTP';
  return TLS_ROWS.filter((row) => values.has(row)).map((row) =>
    problemOf(ingress, { severity: 'warning', field: values.fieldOf(row), rule, effect: 'backends are spoken to in clear text' }),
  );
}
