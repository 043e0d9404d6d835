import type { ChildProcess } from 'node:child_process';

/** What every server under test is given: one backend, one host name, one core set. */
export interface PeerOptions {
  /** Port of the backend on loopback. */
  readonly backendPort: number;
  /** Host the load names; the peer routes it to the backend. */
  readonly host: string;
  /** Folder for configuration, certificates and logs; removed after the run. */
  readonly folder: string;
  /** `tcp` and `udp` are carried without being looked at. */
  readonly protocol: 'http1' | 'http2' | 'tcp' | 'udp';
  /** Serve TLS with this certificate and key (files, PEM). Null: plain HTTP. */
  readonly tls: { readonly certificate: string; readonly key: string } | null;
  /** Cores the server may use, as taskset takes them: `0` or `0,1`. */
  readonly cores: string;
}

/** A started server. */
export interface RunningPeer {
  readonly address: string;
  readonly port: number;
  readonly process: ChildProcess;
}

/** A proxy to compare with. All keep upstream connections, add forwarding fields and write an access log. */
export interface Peer {
  readonly name: string;
  /** Null when it can run here, else what is missing. */
  readonly missing: () => string | null;
  readonly start: (options: PeerOptions) => Promise<RunningPeer>;
}
