import { hostname } from 'node:os';
import { DEFAULT_TRANSLATION, type TranslationChoices } from '../runtime/translationChoices.ts';
import { many, one, openToggle, toggle } from './flag.ts';
import type { FlagValues } from './parseArguments.ts';
import { choice, cidr, controllerClass, listenAddress, namespacedName, objectName, peerNode, text } from './values.ts';

/** Where the admin API listens unless told otherwise. */
export const DEFAULT_ADMIN = { address: '127.0.0.1', port: 9090 } as const;

/** Flags that decide what objects mean; `run` and `check` share them, so that both see the same problems. */
export const TRANSLATION_FLAGS = {
  ingressClasses: many('ingress-class', objectName, {
    placeholder: 'NAME',
    help: 'Class whose Ingresses are served even when no IngressClass object of that name exists.',
    defaultText: DEFAULT_TRANSLATION.ingressClasses.join(', '),
    fallback: () => DEFAULT_TRANSLATION.ingressClasses,
  }),
  controllerNames: many('controller-class', controllerClass, {
    placeholder: 'NAME',
    help: 'IngressClasses whose spec.controller is this are ours. Leave out k8s.io/ingress-nginx while that controller still runs.',
    defaultText: DEFAULT_TRANSLATION.controllerNames.join(', '),
    fallback: () => DEFAULT_TRANSLATION.controllerNames,
  }),
  loadBalancerClass: one('load-balancer-class', controllerClass, () => DEFAULT_TRANSLATION.loadBalancerClass.name, {
    placeholder: 'NAME',
    help: 'spec.loadBalancerClass of Services that are ours; those that name no class are ours too.',
    defaultText: DEFAULT_TRANSLATION.loadBalancerClass.name,
  }),
  loadBalancerClassOnly: toggle(
    'load-balancer-class-only',
    DEFAULT_TRANSLATION.loadBalancerClass.required,
    'Leave Services that name no class to others.',
  ),
  watchNamespaces: many('watch-namespace', objectName, {
    placeholder: 'NS',
    help: 'Namespace whose objects are read.',
    defaultText: 'all',
  }),
  watchWithoutClass: openToggle(
    'watch-ingress-without-class',
    'Serve Ingresses that name no class even when no class is marked as the default.',
    'on for manifests, off in a cluster',
  ),
  allowExternalName: toggle(
    'allow-external-name',
    DEFAULT_TRANSLATION.allowExternalName,
    'Serve Services of type ExternalName, whose backends are DNS names that anybody who may write a Service can choose.',
  ),
  configMap: one('configmap', namespacedName, () => null, {
    placeholder: 'NS/NAME',
    help: 'ConfigMap with global settings, keys as in ingress-nginx.',
  }),
  trustedProxies: many('trusted-proxies', cidr, {
    placeholder: 'CIDR',
    help: 'Peers whose X-Forwarded-* headers are believed, such as a load balancer in front. Everybody else\'s are replaced.',
    defaultText: 'nobody',
  }),
  nodeName: one('node-name', text('a name'), hostname, {
    placeholder: 'NAME',
    help: 'Which of the Node objects this machine is. Services with externalTrafficPolicy Local are served by its endpoints only.',
    defaultText: "the machine's host name",
  }),
  vips: one('vips', choice(['auto', 'bind', 'kernel', 'off']), () => DEFAULT_TRANSLATION.vips, {
    placeholder: 'HOW',
    help:
      'How packets for the addresses of LoadBalancer Services are taken in. bind: the proxy listens on them, so they must be on this machine ' +
      '(127.0.0.0/8 always is). kernel: nftables takes in those that are on no machine, and those that an L2Advertisement is for are answered ' +
      'for by ARP and NDP. auto: bind where the address is local, kernel where it is announced and that is permitted. off: Services get ' +
      'addresses and nothing more.',
    defaultText: 'auto',
  }),
  peers: many('peers', peerNode, {
    placeholder: 'NAME=ADDRESS',
    help: 'Another node that runs Gatehouse, for announcing. Nodes that Node objects name, with their InternalIP, need not be given.',
    defaultText: 'none',
  }),
  cordonMovesVips: toggle('cordon-moves-vips', DEFAULT_TRANSLATION.cordonMovesVips, 'A Node that is cordoned hands its addresses to others.'),
  publishService: one('publish-service', namespacedName, () => null, {
    placeholder: 'NS/NAME',
    help: "LoadBalancer Service whose address is the Ingresses' own: its ports 80 and 443 (or named http and https) answer for them.",
  }),
  tcpServices: one('tcp-services-configmap', namespacedName, () => null, {
    placeholder: 'NS/NAME',
    help: 'ConfigMap of TCP ports to open, "9000": "NS/SERVICE:PORT[:PROXY][:PROXY]", as in ingress-nginx.',
  }),
  udpServices: one('udp-services-configmap', namespacedName, () => null, {
    placeholder: 'NS/NAME',
    help: 'ConfigMap of UDP ports to open, likewise.',
  }),
} as const;

/** What TRANSLATION_FLAGS say, in translation's own words, for objects that whoever runs Gatehouse owns. */
export function translationChoices(flags: FlagValues<typeof TRANSLATION_FLAGS>): TranslationChoices {
  const watchWithoutClass = flags.watchWithoutClass ?? DEFAULT_TRANSLATION.watchWithoutClass;
  const { ingressClasses, watchNamespaces, allowExternalName, configMap, trustedProxies } = flags;
  const { vips: how, peers, cordonMovesVips, publishService, tcpServices, udpServices, controllerNames } = flags;
  const ofIngresses = { ingressClasses, watchNamespaces, watchWithoutClass, allowExternalName, configMap, trustedProxies };
  const loadBalancerClass = { name: flags.loadBalancerClass, required: flags.loadBalancerClassOnly };
  const { allowLocalBackends, openelbOptIn } = DEFAULT_TRANSLATION;
  const ofServices = { loadBalancerClass, openelbOptIn, allowLocalBackends, vips: how, peers, cordonMovesVips, publishService, tcpServices, udpServices };
  return { ...ofIngresses, ...ofServices, controllerNames };
}

/** How data is printed. */
export const OUTPUT_FLAG = one('output', choice(['text', 'json']), () => 'text' as const, {
  short: 'o',
  placeholder: 'FORM',
  help: 'How to print: text for people, json for programs.',
  defaultText: 'text',
});

/** The admin address that `status` and `explain` ask. */
export const ASK_ADMIN_FLAG = one('admin', listenAddress, () => DEFAULT_ADMIN, {
  placeholder: 'ADDR:PORT',
  help: 'Where the running Gatehouse\'s admin API listens.',
  defaultText: '127.0.0.1:9090',
});
