{{/* Made from controller/cluster/permissions.ts; change it there and run test/helm with GATEHOUSE_UPDATE=1. */}}
{{- define "gatehouse.clusterRules" -}}
{{- $features := include "gatehouse.features" . | fromJsonArray -}}
# The rules that are served.
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
# Which Ingresses are Gatehouse's.
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [list, watch]
# The backends of Ingresses, and the Services of type LoadBalancer.
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
# The Pods behind Services: traffic goes to them directly.
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# Addresses, zones and labels of the nodes, which decide who answers and announces.
- apiGroups: [""]
  resources: [nodes]
  verbs: [list, watch]
# Labels of namespaces, by which pools choose whom they serve.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
# The ConfigMaps that flags name, each read and watched by its name.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, watch]
# The addresses that Services may be given.
- apiGroups: [gatehouse.dev]
  resources: [ipaddresspools]
  verbs: [list, watch]
# Which addresses are announced by ARP and NDP, and from which nodes.
- apiGroups: [gatehouse.dev]
  resources: [l2advertisements]
  verbs: [list, watch]
# Which addresses are announced by BGP, and with which attributes.
- apiGroups: [gatehouse.dev]
  resources: [bgpadvertisements]
  verbs: [list, watch]
# The routers that are told of addresses.
- apiGroups: [gatehouse.dev]
  resources: [bgppeers]
  verbs: [list, watch]
# How quickly a lost router is noticed.
- apiGroups: [gatehouse.dev]
  resources: [bfdprofiles]
  verbs: [list, watch]
# Names for BGP communities.
- apiGroups: [gatehouse.dev]
  resources: [communities]
  verbs: [list, watch]
# Which of them there are.
- apiGroups: [gatehouse.dev]
  resources: [servicevipstatuses]
  verbs: [list, watch]
{{- if has "status" $features }}
# Its status as it is now, where somebody else has written to the object in between.
- apiGroups: [""]
  resources: [services]
  verbs: [get]
# Its status as it is now, where somebody else has written to the object in between.
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get]
# Its status as it is now, where somebody else has written to the object in between.
- apiGroups: [gatehouse.dev]
  resources: [ipaddresspools, l2advertisements, bgpadvertisements, bgppeers, bfdprofiles, communities]
  verbs: [get]
# One object for each Service that says who carries its addresses.
- apiGroups: [gatehouse.dev]
  resources: [servicevipstatuses]
  verbs: [get, create, delete]
# What those objects say.
- apiGroups: [gatehouse.dev]
  resources: [servicevipstatuses/status]
  verbs: [patch]
# The addresses of a Service. The Service itself cannot be changed.
- apiGroups: [""]
  resources: [services/status]
  verbs: [patch]
# The addresses of an Ingress. The Ingress itself cannot be changed.
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch]
# What became of the object: counts and conditions.
- apiGroups: [gatehouse.dev]
  resources: [ipaddresspools/status, l2advertisements/status, bgpadvertisements/status, bgppeers/status, bfdprofiles/status, communities/status]
  verbs: [patch]
# What happened to an object, shown by kubectl describe; repeats raise a count. Of BGP sessions each node tells its own.
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}
{{- if has "webhook" $features }}
# Tells the API server by which certificate it knows the webhook; no other configuration can be touched.
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingwebhookconfigurations]
  resourceNames: [{{ include "gatehouse.fullname" . }}]
  verbs: [get, patch]
{{- end }}
{{- if has "secretsNamed" $features }}
# The certificates and passwords that Ingresses and BGPPeers name, each read and watched by its name. RBAC cannot say so: see below.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, watch]
{{- end }}
{{- if has "secretsPolled" $features }}
# The certificates and passwords that Ingresses and BGPPeers name, each read by its name every half minute. Nobody can list them by it.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}
{{- if has "secretsAll" $features }}
# All Secrets of the cluster, kept in memory.
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
{{- end }}
{{- if has "compatMetallb" $features }}
# Objects of MetalLB, read with `--compat metallb`.
- apiGroups: [metallb.io]
  resources: [ipaddresspools, l2advertisements, bgppeers, bgpadvertisements, bfdprofiles, communities]
  verbs: [list, watch]
{{- end }}
{{- if has "compatOpenelb" $features }}
# Objects of OpenELB, read with `--compat openelb`.
- apiGroups: [network.kubesphere.io]
  resources: [eips, bgpconfs, bgppeers]
  verbs: [list, watch]
{{- end }}
{{- end -}}

{{- define "gatehouse.ownNamespaceRules" -}}
{{- $features := include "gatehouse.features" . | fromJsonArray -}}
{{- if has "election" $features }}
# The Lease that says who writes statuses; the first to come makes it.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
# Holding and renewing that one Lease.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "gatehouse.fullname" . }}-leader]
  verbs: [get, update]
{{- end }}
{{- if has "vipLeases" $features }}
# A Lease per address with `ownership: lease`. Named after addresses, they cannot be listed here: it is all Leases of the namespace.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update]
{{- end }}
{{- if has "webhook" $features }}
# Certificates of the admission webhook, shared by all replicas. The only Secret that is ever written.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "gatehouse.fullname" . }}-webhook-tls]
  verbs: [get, watch, patch]
{{- end }}
{{- end -}}
