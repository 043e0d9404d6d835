{{/* Arguments of "gatehouse run". */}}
{{- define "gatehouse.args" -}}
{{- $name := include "gatehouse.fullname" . -}}
- run
- --namespace=$(POD_NAMESPACE)
- --node-name=$(NODE_NAME)
{{- if not (and (eq (int .Values.ports.http) 80) (eq (int .Values.ports.https) 443) (empty .Values.listenAddresses)) }}
{{- range default (list "0.0.0.0") .Values.listenAddresses }}
- --http={{ include "gatehouse.listen" (list . $.Values.ports.http) }}
- --https={{ include "gatehouse.listen" (list . $.Values.ports.https) }}
{{- end }}
{{- end }}
- --admin={{ include "gatehouse.listen" (list (include "gatehouse.adminAddress" .) .Values.admin.port) }}
- --election-lease={{ $name }}-leader
{{- if not .Values.updateStatus }}
- --update-status=false
{{- end }}
- --ingress-class={{ .Values.ingressClass.name }}
{{- range .Values.ingressClass.controllers }}
- --controller-class={{ . }}
{{- end }}
{{- if .Values.ingressClass.watchWithoutClass }}
- --watch-ingress-without-class
{{- end }}
{{- range .Values.watchNamespaces }}
- --watch-namespace={{ . }}
{{- end }}
- --load-balancer-class={{ .Values.loadBalancer.class }}
{{- if .Values.loadBalancer.classOnly }}
- --load-balancer-class-only
{{- end }}
- --vips={{ default (ternary "auto" "off" (eq .Values.mode "DaemonSet")) .Values.loadBalancer.vips }}
{{- if include "gatehouse.announces" . }}
{{- with .Values.announcer }}
- --membership-port={{ int .membershipPort }}
{{- if .membershipSecret }}
- --membership-key-file=/etc/gatehouse/membership/key
{{- end }}
{{- if .quorum }}
- --announcer-quorum
{{- end }}
{{- range .excludeInterfaces }}
- {{ printf "--exclude-interfaces=%s" . | quote }}
{{- end }}
- --gratuitous-interval={{ int .gratuitousIntervalSeconds }}s
{{- if .setSysctls }}
- --set-sysctls
{{- end }}
{{- if .cordonMovesVips }}
- --cordon-moves-vips
{{- end }}
{{- if .leases }}
- --vip-leases
{{- end }}
{{- end }}
{{- end }}
{{- if include "gatehouse.hasService" . }}
- --publish-service=$(POD_NAMESPACE)/{{ $name }}
{{- else if .Values.publish.service }}
- --publish-service={{ .Values.publish.service }}
{{- end }}
- --own-service=$(POD_NAMESPACE)/{{ $name }}-pods
{{- range .Values.publish.addresses }}
- --publish-status-address={{ . }}
{{- end }}
{{- if .Values.settings }}
- --configmap=$(POD_NAMESPACE)/{{ $name }}
{{- end }}
{{- if .Values.tcp }}
- --tcp-services-configmap=$(POD_NAMESPACE)/{{ $name }}-tcp
{{- end }}
{{- if .Values.udp }}
- --udp-services-configmap=$(POD_NAMESPACE)/{{ $name }}-udp
{{- end }}
{{- range .Values.trustedProxies }}
- --trusted-proxies={{ . }}
{{- end }}
{{- if .Values.allowExternalName }}
- --allow-external-name
{{- end }}
{{- if .Values.allowLocalBackends }}
- --allow-local-backends
{{- end }}
{{- if ne .Values.secrets.read "named" }}
- --secrets={{ .Values.secrets.read }}
{{- end }}
{{- if .Values.compat.metallb }}
- --compat=metallb
{{- end }}
{{- if .Values.compat.openelb }}
- --compat=openelb
{{- end }}
{{- if .Values.webhook.enabled }}
- --webhook={{ include "gatehouse.listen" (list .Values.webhook.address .Values.webhook.port) }}
- --webhook-service={{ $name }}-webhook
- --webhook-secret={{ $name }}-webhook-tls
- --webhook-configuration={{ $name }}
{{- end }}
{{- if .Values.workers }}
- --workers={{ int .Values.workers }}
{{- end }}
{{- if .Values.ingressNginxMetrics }}
- --ingress-nginx-metrics
{{- end }}
- --drain-timeout={{ int .Values.drainTimeoutSeconds }}s
- --log-level={{ .Values.log.level }}
- --log-format={{ .Values.log.format }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* With runAsUser and without fsGroup, the kubelet gives the API token to that user alone: the proxy cannot read it. */}}
{{- define "gatehouse.podSecurityContext" -}}
{{- if .Values.rootless -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
{{- else -}}
runAsUser: 0
runAsGroup: 0
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* The announcer needs the nodes' network, and capabilities that only root can hand on. */}}
{{- define "gatehouse.announces" -}}
{{- if and .Values.announcer.enabled (eq .Values.mode "DaemonSet") (not .Values.rootless) -}}
true
{{- end -}}
{{- end -}}

{{/*
NET_BIND_SERVICE: ports 80 and 443, and 179 where routers connect to the announcer. SETUID and SETGID: the proxy becomes uid 65532,
the announcer 65533. KILL: a stuck one can be ended. NET_ADMIN and NET_RAW are the announcer's, as is SYS_NICE, by which BFD is on time
on a busy node; SETPCAP hands them on without the others. CHOWN gives it its folder.
*/}}
{{- define "gatehouse.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  {{- if not .Values.rootless }}
  add: [NET_BIND_SERVICE, SETUID, SETGID, KILL{{ if include "gatehouse.announces" . }}, NET_ADMIN, NET_RAW, SYS_NICE, SETPCAP, CHOWN{{ end }}]
  {{- end }}
{{- end -}}

{{/* Of a list (scope path). Without a host the kubelet asks the Pod's address, where a loopback listener does not answer. */}}
{{- define "gatehouse.httpGet" -}}
httpGet:
  path: {{ index . 1 }}
  port: admin
  {{- $address := include "gatehouse.adminAddress" (index . 0) }}
  {{- if or (hasPrefix "127." $address) (eq $address "::1") }}
  host: {{ $address | quote }}
  {{- end }}
{{- end -}}

{{/* The Pod of the DaemonSet and of the Deployment. */}}
{{- define "gatehouse.pod" -}}
metadata:
  labels:
    {{- include "gatehouse.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
    {{- with .Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "gatehouse.serviceAccountName" . }}
  automountServiceAccountToken: true
  # Variables of Services, such as GATEHOUSE_PORT, look like settings of Gatehouse.
  enableServiceLinks: false
  {{- if include "gatehouse.onHostNetwork" . }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  terminationGracePeriodSeconds: {{ add .Values.drainTimeoutSeconds .Values.preStopSeconds 30 }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- mergeOverwrite (include "gatehouse.podSecurityContext" . | fromYaml) .Values.podSecurityContext | toYaml | nindent 4 }}
  containers:
    - name: gatehouse
      image: {{ include "gatehouse.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        {{- include "gatehouse.args" . | nindent 8 }}
      env:
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: http
          containerPort: {{ int .Values.ports.http }}
          protocol: TCP
        - name: https
          containerPort: {{ int .Values.ports.https }}
          protocol: TCP
        - name: admin
          containerPort: {{ int .Values.admin.port }}
          protocol: TCP
        {{- if .Values.webhook.enabled }}
        - name: webhook
          containerPort: {{ int .Values.webhook.port }}
          protocol: TCP
        {{- end }}
      # Ready once the first state of the cluster is served by every worker. Losing the API server later changes nothing.
      readinessProbe:
        {{- include "gatehouse.httpGet" (list . "/readyz") | nindent 8 }}
        periodSeconds: 5
        failureThreshold: 2
      livenessProbe:
        {{- include "gatehouse.httpGet" (list . "/healthz") | nindent 8 }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      startupProbe:
        {{- include "gatehouse.httpGet" (list . "/healthz") | nindent 8 }}
        periodSeconds: 2
        failureThreshold: 60
      {{- if and (eq .Values.mode "Deployment") .Values.preStopSeconds }}
      lifecycle:
        preStop:
          exec:
            command: [sleep, {{ int .Values.preStopSeconds | quote }}]
      {{- end }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- mergeOverwrite (include "gatehouse.securityContext" . | fromYaml) .Values.securityContext | toYaml | nindent 8 }}
      {{- if include "gatehouse.announces" . }}
      volumeMounts:
        - name: run
          mountPath: /run/gatehouse
        {{- if .Values.announcer.membershipSecret }}
        - name: membership
          mountPath: /etc/gatehouse/membership
          readOnly: true
        {{- end }}
  volumes:
    - name: run
      emptyDir:
        medium: Memory
        sizeLimit: 1Mi
    {{- if .Values.announcer.membershipSecret }}
    - name: membership
      secret:
        secretName: {{ .Values.announcer.membershipSecret }}
        defaultMode: 0400
    {{- end }}
      {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if eq .Values.mode "Deployment" }}
  topologySpreadConstraints:
    {{- if .Values.topologySpreadConstraints }}
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "gatehouse.selectorLabels" . | nindent 10 }}
    {{- end }}
  {{- end }}
{{- end -}}
