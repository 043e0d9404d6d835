{{/* The name of all objects: the release's, with "gatehouse" unless it is in it. Short enough for what is appended to it. */}}
{{- define "gatehouse.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What Services and workloads select Pods by; it never changes. */}}
{{- define "gatehouse.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gatehouse.labels" -}}
{{ include "gatehouse.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "gatehouse.serviceAccountName" -}}
{{- default (ternary (include "gatehouse.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "gatehouse.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* "true" on the nodes' own network. */}}
{{- define "gatehouse.onHostNetwork" -}}
{{- if eq .Values.mode "DaemonSet" }}true{{ end -}}
{{- end -}}

{{/* "true" where the chart makes the Service whose address is the Ingresses' own. */}}
{{- define "gatehouse.hasService" -}}
{{- if kindIs "invalid" .Values.service.create -}}
{{- if eq .Values.mode "Deployment" }}true{{ end -}}
{{- else if .Values.service.create }}true{{ end -}}
{{- end -}}

{{- define "gatehouse.adminAddress" -}}
{{- default (ternary "127.0.0.1" "0.0.0.0" (eq .Values.mode "DaemonSet")) .Values.admin.address -}}
{{- end -}}

{{/* ADDR:PORT of a list (address port). */}}
{{- define "gatehouse.listen" -}}
{{- $address := index . 0 -}}
{{- $port := index . 1 | int -}}
{{- if contains ":" $address }}{{ printf "[%s]:%d" (trimAll "[]" $address) $port }}{{ else }}{{ printf "%s:%d" $address $port }}{{ end -}}
{{- end -}}

{{/* The features of _permissions.tpl that the values ask for, as a JSON list. */}}
{{- define "gatehouse.features" -}}
{{- $features := list "core" "election" -}}
{{- if .Values.updateStatus }}{{ $features = append $features "status" }}{{ end -}}
{{- if and .Values.announcer.leases (include "gatehouse.announces" .) }}{{ $features = append $features "vipLeases" }}{{ end -}}
{{- if .Values.webhook.enabled }}{{ $features = append $features "webhook" }}{{ end -}}
{{- $features = append $features (printf "secrets%s" (title .Values.secrets.read)) -}}
{{- if .Values.compat.metallb }}{{ $features = append $features "compatMetallb" }}{{ end -}}
{{- if .Values.compat.openelb }}{{ $features = append $features "compatOpenelb" }}{{ end -}}
{{- toJson $features -}}
{{- end -}}

{{/* What the values say against each other; every other mistake is caught by values.schema.json. */}}
{{- define "gatehouse.validate" -}}
{{- $low := or (lt (int .Values.ports.http) 1024) (lt (int .Values.ports.https) 1024) -}}
{{- if and .Values.rootless $low -}}
{{- fail "rootless: ports below 1024 need root. Set ports.http=8080 and ports.https=8443, or rootless=false." -}}
{{- end -}}
{{- $ports := list (int .Values.ports.http) (int .Values.ports.https) (int .Values.admin.port) -}}
{{- if .Values.webhook.enabled }}{{ $ports = append $ports (int .Values.webhook.port) }}{{ end -}}
{{- if ne (len $ports) (len (uniq $ports)) -}}
{{- fail "ports.http, ports.https, admin.port and webhook.port must differ: they are of one machine." -}}
{{- end -}}
{{- $admin := include "gatehouse.adminAddress" . -}}
{{- $loopback := or (hasPrefix "127." $admin) (eq $admin "::1") -}}
{{- if and .Values.podMonitor.enabled $loopback -}}
{{- fail "podMonitor: Prometheus cannot reach an admin API on 127.0.0.1. Set admin.address=0.0.0.0 and keep strangers from the port." -}}
{{- end -}}
{{- if and $loopback (eq .Values.mode "Deployment") -}}
{{- fail "admin.address: in mode Deployment the probes come from outside the Pod and cannot reach 127.0.0.1." -}}
{{- end -}}
{{- if and .Values.publish.service (include "gatehouse.hasService" .) -}}
{{- fail "publish.service names a Service of yours, and service.create makes another one: choose." -}}
{{- end -}}
{{- end -}}
