import { FAMILIES } from '../../core/metrics/families.ts';

/**
 * family name → the name under which ingress-nginx reports the same thing with the same label names, so that dashboards
 * and alerts made for it keep working. Only families whose meaning is the same: its `status` and `method` labels of
 * histograms, which would multiply every bucket, are left out.
 */
export const INGRESS_NGINX_NAMES: ReadonlyMap<string, string> = new Map([
  [FAMILIES.requests.name, 'nginx_ingress_controller_requests'],
  [FAMILIES.requestDuration.name, 'nginx_ingress_controller_request_duration_seconds'],
  [FAMILIES.upstreamResponseDuration.name, 'nginx_ingress_controller_response_duration_seconds'],
  [FAMILIES.upstreamConnectDuration.name, 'nginx_ingress_controller_connect_duration_seconds'],
]);
