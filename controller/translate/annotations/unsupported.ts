/** An ingress-nginx annotation Gatehouse knows and does not obey. */
export interface UnsupportedAnnotation {
  /** Without prefix. */
  readonly name: string;
  /**
   * ignored: reported, the Ingress is served without it. refused: needs nginx itself and will never be obeyed.
   * removed: ingress-nginx itself dropped it. denied: it restricts who or what may pass, so the Ingress answers 503.
   */
  readonly kind: 'ignored' | 'refused' | 'removed' | 'denied';
  /** Lower-case values that ask for nothing, so that there is nothing to report or deny. */
  readonly harmless: readonly string[];
}

type Extra = Partial<Pick<UnsupportedAnnotation, 'harmless'>>;

function rows(kind: UnsupportedAnnotation['kind'], names: string, extra: Extra = {}): UnsupportedAnnotation[] {
  const list = names.trim().split(/\s+/);
  return list.map((name) => ({ name, kind, harmless: extra.harmless ?? [] }));
}

/** Access rules and limits: served without them, an Ingress would be open to those it means to keep out. */
const DENIED = [
  ...rows('denied', 'allowlist-source-range whitelist-source-range denylist-source-range'),
  ...rows(
    'denied',
    `auth-type auth-secret auth-secret-type auth-realm auth-url auth-method auth-signin auth-signin-redirect-param
     auth-response-headers auth-proxy-set-headers auth-request-redirect auth-cache-key auth-cache-duration
     auth-always-set-cookie auth-keepalive auth-keepalive-share-vars auth-keepalive-requests auth-keepalive-timeout
     auth-snippet`,
  ),
  ...rows('denied', 'limit-connections limit-rps limit-rpm limit-rate limit-rate-after', { harmless: ['0'] }),
  ...rows('denied', 'limit-burst-multiplier limit-allowlist limit-whitelist'),
];

const IGNORED = [
  ...rows(
    'ignored',
    `rewrite-target use-regex app-root permanent-redirect permanent-redirect-code temporal-redirect temporal-redirect-code
     relative-redirects from-to-www-redirect preserve-trailing-slash use-port-in-redirects server-alias
     ssl-ciphers ssl-prefer-server-ciphers
     enable-global-auth satisfy
     enable-cors cors-allow-origin cors-allow-methods cors-allow-headers cors-expose-headers cors-allow-credentials cors-max-age
     service-upstream default-backend proxy-request-buffering proxy-buffering proxy-buffers-number proxy-buffer-size
     proxy-busy-buffers-size proxy-max-temp-file-size client-body-buffer-size proxy-cookie-domain
     proxy-cookie-path proxy-redirect-from proxy-redirect-to connection-proxy-header x-forwarded-prefix custom-headers
     custom-http-errors disable-proxy-intercept-errors mirror-target mirror-request-body mirror-host
     enable-opentelemetry opentelemetry-trust-incoming-span opentelemetry-operation-name`,
  ),
  // 1.1 is what backends get anyway; 1.0 would mean a connection for each request and no streaming of bodies.
  ...rows('ignored', 'proxy-http-version', { harmless: ['1.1'] }),
];

const REFUSED = rows(
  'refused',
  `configuration-snippet server-snippet stream-snippet enable-modsecurity enable-owasp-core-rules modsecurity-transaction-id
   modsecurity-snippet fastcgi-index fastcgi-params-configmap http2-push-preload enable-rewrite-log`,
);

const REMOVED = rows(
  'removed',
  `secure-backends session-cookie-hash add-base-url base-url-scheme global-rate-limit global-rate-limit-window
   global-rate-limit-key global-rate-limit-ignored-cidrs enable-opentracing enable-influxdb enable-websockets`,
);

/** name without prefix → row. */
export const UNSUPPORTED_ANNOTATIONS: ReadonlyMap<string, UnsupportedAnnotation> = new Map(
  [...DENIED, ...IGNORED, ...REFUSED, ...REMOVED].map((row) => [row.name, row]),
);
