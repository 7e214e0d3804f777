{{/* Names, labels and images. A template that takes a component gets (dict "root" $ "component" "oai"). */}}

{{/* Prefix of every object's name. */}}
{{- define "wormhole.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "wormhole.name" -}}
{{ include "wormhole.fullname" .root }}-{{ .component }}
{{- end }}

{{/* What selects a component's pods; never changes for a release. `wormhole status --kube` looks for this name. */}}
{{- define "wormhole.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* What a pod bears: nothing that changes with the chart alone, since each change starts the pod anew. */}}
{{- define "wormhole.podLabels" -}}
{{ include "wormhole.selector" . }}
app.kubernetes.io/version: {{ include "wormhole.tag" . | quote }}
app.kubernetes.io/part-of: wormhole
{{- end }}

{{- define "wormhole.labels" -}}
{{ include "wormhole.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* An own tag wins over the common one. A label has room for 63 characters, so a digest is none. */}}
{{- define "wormhole.tag" -}}
{{- dig "image" "tag" "" (index .root.Values .component | default dict) | default .root.Values.image.tag | default .root.Chart.AppVersion -}}
{{- end }}

{{- define "wormhole.image" -}}
{{- $image := (index .root.Values .component).image -}}
{{- with .root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ $image.repository }}:{{ include "wormhole.tag" . }}
{{- end }}

{{- define "wormhole.serviceAccount" -}}
{{ ternary (include "wormhole.name" .) "default" .root.Values.serviceAccount.create }}
{{- end }}

{{/* The accounts that are kept: the demo's stands in place of the others. Under "accounts", since includes give text. */}}
{{- define "wormhole.accounts" -}}
{{- if .Values.demo.enabled -}}
{{- $site := printf "http://%s:8088" (include "wormhole.name" (dict "root" . "component" "demo")) -}}
accounts:
  - { name: demo, site: playground, siteOrigin: {{ $site | quote }}, size: 1Gi, demo: true, forgets: {{ not .Values.demo.persistence }} }
{{- else -}}
accounts: {{ toJson .Values.bridge.accounts }}
{{- end -}}
{{- end }}

{{/* Whether what the API remembers outlives its pod; empty if not. */}}
{{- define "wormhole.oaiPersists" -}}
{{- $persistence := .Values.oai.persistence -}}
{{- if and $persistence.enabled (or $persistence.existingClaim .Values.demo.persistence (not .Values.demo.enabled)) }}true{{ end -}}
{{- end }}

{{/* The Secret that holds a token: one of the operator's, or the chart's own. */}}
{{- define "wormhole.secret" -}}
{{ .existing | default (printf "%s-generated" (include "wormhole.fullname" .root)) }}
{{- end }}

{{/* The keys of the Secret that the chart makes: those that no existing one holds. */}}
{{- define "wormhole.generatedKeys" -}}
{{- $keys := list -}}
{{- if not .Values.hub.existingSecret }}{{ $keys = concat $keys (list "page-token" "sender-token") }}{{ end -}}
{{- if not (or .Values.oai.apiKeys.existingSecret .Values.oai.apiKeys.allowAnonymous) }}{{ $keys = append $keys "api-keys" }}{{ end -}}
{{- if and .Values.bridge.console.enabled (not .Values.bridge.console.existingSecret) }}{{ $keys = append $keys "console-token" }}{{ end -}}
{{- join " " $keys -}}
{{- end }}

{{/* A component's pods, as a selector in one line. */}}
{{- define "wormhole.pods" -}}
{{ dict "matchLabels" (include "wormhole.selector" . | fromYaml) | toJson }}
{{- end }}

{{/* Site profiles that the bridge carries: crates/wormhole-bridge/sites. A test compares. */}}
{{- define "wormhole.shippedSites" -}}
outlier outlier-expert playground playground-dom gradio chainlit
{{- end }}

{{/* Settings that have a value of their own, so that settings and extraEnv must not say them again. A test compares. */}}
{{- define "wormhole.ownedBy.server" -}}
WORMHOLE_LOG LOG_FORMAT WORMHOLE_GRACE WORMHOLE_PORT WORMHOLE_PAGE_TOKEN_FILE WORMHOLE_SENDER_TOKEN_FILE
{{- end }}
{{- define "wormhole.ownedBy.oai" -}}
WORMHOLE_LOG LOG_FORMAT WORMHOLE_GRACE WORMHOLE_SERVER_HOST WORMHOLE_PORT WORMHOLE_SENDER_TOKEN_FILE WORMHOLE_API_KEYS_FILE WORMHOLE_ALLOW_ANONYMOUS WORMHOLE_DATA WORMHOLE_TEMPLATES WORMHOLE_AGENT_PROMPTS WORMHOLE_EMBEDDINGS_URL WORMHOLE_EMBEDDINGS_KEY_FILE
{{- end }}
{{- define "wormhole.ownedBy.bridge" -}}
WORMHOLE_LOG LOG_FORMAT WORMHOLE_GRACE WORMHOLE_SERVER_HOST WORMHOLE_PORT WORMHOLE_PAGE_TOKEN_FILE WORMHOLE_ACCOUNT WORMHOLE_SITE WORMHOLE_SITE_ORIGIN OUTLIER_PASSWORD_FILE CHROME_USER_DATA_DIR CHROME_SANDBOX CHROME_MEMORY_MIB WORMHOLE_DIAGNOSTICS WORMHOLE_INJECT_SCRIPT WORMHOLE_CONSOLE_TOKEN_FILE WORMHOLE_ALERT_WEBHOOK_FILE WORMHOLE_KUBE WORMHOLE_LEASE_NAME POD_NAME POD_NAMESPACE POD_UID
{{- end }}
