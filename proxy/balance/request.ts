/** What canary rules and affinity look at: two look-ups, not the exchange. */
export interface CookiesAndHeaders {
  /** Value of a request field by lower-case name; several lines joined by `, `, as nginx's `$http_name` reads them. */
  header(lowerName: string): string | undefined;
  /** Value of a request cookie, as `requestCookie` finds it. */
  cookie(name: string): string | undefined;
}

/** What choosing an endpoint looks at. */
export interface BalanceRequest extends CookiesAndHeaders {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Lower case, no port. */
  readonly host: string;
  /** Path with query, as the client sent it. */
  readonly target: string;
  /** Address of the client, after trusted forwarding fields. */
  readonly remoteAddress: string;
}
