import type { ObjectRef } from '../ir/objectRef.ts';

/** A request to be explained without sending it. */
export interface ExplainRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host with optional port, as a client would send it. */
  readonly authority: string;
  /** Path with query. */
  readonly target: string;
  /** name, value pairs. */
  readonly headers: readonly (readonly [string, string])[];
  /** Client address to assume. */
  readonly clientAddress: string;
}

/** One decision on the way of a request. */
export interface ExplainStep {
  /** `host`, `route`, `filter`, `canary`, `cluster`, `endpoint`, `answer`. */
  readonly step: 'host' | 'route' | 'filter' | 'canary' | 'cluster' | 'endpoint' | 'answer';
  /** In words, naming what was compared with what. */
  readonly text: string;
}

/** Which object, rule, cluster and endpoint would serve a request, and why. */
export interface Explanation {
  readonly steps: readonly ExplainStep[];
  readonly ingress: ObjectRef | null;
  /** Field of the Ingress that matched. */
  readonly field: string | null;
  readonly cluster: string | null;
  /** `host:port`; null when the proxy answers itself. */
  readonly endpoint: string | null;
  /** Status that the proxy itself would answer; null when the backend decides. */
  readonly status: number | null;
}

/** Live state of one endpoint in one cluster, all workers together. */
export interface EndpointView {
  readonly cluster: string;
  readonly endpoint: string;
  readonly state: 'ready' | 'terminating';
  readonly weight: number;
  readonly activeRequests: number;
  readonly idleConnections: number;
  /** Workers that have ejected it after consecutive connect failures. */
  readonly ejectedBy: number;
}
