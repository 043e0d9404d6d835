import type { Problem } from '../../../core/ir/problem.ts';
import type { Settings } from '../../../core/ir/settings.ts';
import type { ConfigMap } from '../../model/objects.ts';
import { problemOf } from '../problemOf.ts';
import { CLIENT_SETTINGS as CLIENT } from '../settings/clientRows.ts';
import { PROTOCOL_SETTINGS as PROTOCOL } from '../settings/protocolRows.ts';
import type { SettingValues } from '../settings/readConfigMap.ts';

/** Whose word about the client is taken. */
export interface Trust extends Pick<Settings, 'forwardedHeaders' | 'proxyProtocol'> {
  readonly problems: readonly Problem[];
}

const EVERYBODY = ['0.0.0.0/0', '::/0'];

/**
 * Who may say who the client is: `proxy-real-ip-cidr` and `--trusted-proxies`; where neither is given, everybody, as in
 * ingress-nginx, which is reported. X-Forwarded-* and the PROXY protocol are switched on apart from each other.
 */
export function readTrust(values: SettingValues, configMap: ConfigMap | null, trustedProxies: readonly string[]): Trust {
  const problems: Problem[] = [];
  const report = (key: string, effect: string): void => {
    if (configMap === null) return;
    const rule = 'should stand together with proxy-real-ip-cidr, which names the proxies to trust';
    const value = configMap.data.get(key);
    problems.push(problemOf(configMap, { severity: 'warning', field: `data[${key}]`, rule, value, effect }));
  };
  const forwarding = [CLIENT.useForwardedHeaders, CLIENT.enableRealIp].find((row) => values.get(row));
  const named = namedProxies(values, configMap);
  const forwarders = forwarding === undefined ? [] : (named ?? EVERYBODY);
  if (forwarding !== undefined && named === null) {
    report(forwarding.key, 'every client may set its own address with X-Forwarded-For, as in ingress-nginx');
  }
  const announcers = [...trustedProxies, ...(named ?? [])];
  const isOpen = named === null && trustedProxies.length === 0;
  const usesProxyProtocol = values.get(PROTOCOL.useProxyProtocol);
  if (usesProxyProtocol && isOpen) {
    report(PROTOCOL.useProxyProtocol.key, 'every client must send a PROXY header and may set its own address with it, as in ingress-nginx');
  }
  return {
    forwardedHeaders: {
      trustedCidrs: [...new Set([...trustedProxies, ...forwarders])],
      appendForwardedFor: values.get(CLIENT.fullForwardedFor),
    },
    proxyProtocol: usesProxyProtocol ? { trustedCidrs: isOpen ? EVERYBODY : [...new Set(announcers)] } : null,
    problems,
  };
}

/** Null: the ConfigMap names none. A list that cannot be read names nobody: it must not widen trust to everybody. */
function namedProxies(values: SettingValues, configMap: ConfigMap | null): readonly string[] | null {
  const isWritten = (configMap?.data.get(CLIENT.realIpCidrs.key) ?? '') !== '';
  return values.get(CLIENT.realIpCidrs) ?? (isWritten ? [] : null);
}
