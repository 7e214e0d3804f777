{{/*
What the pods of all components have in common. Each takes (dict "root" $ "component" "oai"), and of the bridge also
labels, annotations (both beside the operator's), seccomp and token (whether the API server may be asked). `bare` is a pod
that only borrows a component's image and place.
*/}}

{{- define "wormhole.podMetadata" -}}
{{- $values := index .root.Values .component -}}
labels:
  {{- include "wormhole.podLabels" . | nindent 2 }}
  {{- with merge (.labels | default dict) $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (.annotations | default dict) $values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* uid and group are those of the images; fsGroup lets them write to a volume that belongs to root. */}}
{{- define "wormhole.podSpec" -}}
{{- $values := index .root.Values .component -}}
{{- $seccomp := .seccomp | default (dict "type" "RuntimeDefault") -}}
{{- $security := dict "runAsNonRoot" true "runAsUser" 10001 "runAsGroup" 10001 "fsGroup" 10001 "fsGroupChangePolicy" "OnRootMismatch" "seccompProfile" $seccomp -}}
serviceAccountName: {{ include "wormhole.serviceAccount" . }}
automountServiceAccountToken: {{ .token | default false }}
# Kubernetes would set WORMHOLE_PORT for a Service called wormhole.
enableServiceLinks: false
securityContext:
  {{- toYaml (mergeOverwrite $security $values.podSecurityContext) | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with index $values $key }}
{{ $key }}: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- if not .bare }}
{{- with $values.initContainers }}
initContainers: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $own := dict "labelSelector" (dict "matchLabels" (fromYaml (include "wormhole.selector" $))) }}
  {{- range . }}
  {{- if hasKey . "labelSelector" }}
  - {{ toYaml . | nindent 4 }}
  {{- else }}
  - {{ toYaml (merge (dict) . $own) | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- with $values.drainSeconds }}
terminationGracePeriodSeconds: {{ include "wormhole.terminationSeconds" $values }}
{{- end }}
{{- end }}
{{- end }}

{{/*
The process cuts what is left when drainSeconds are over, and is gone 7 seconds later at most (5 for its tasks, 2 for its
admin port); 3 more are slack. The sleep before SIGTERM counts as well.
*/}}
{{- define "wormhole.terminationSeconds" -}}
{{ add .drainSeconds 10 .preStopSleepSeconds }}
{{- end }}

{{/* The main container's image, privileges, resources and mounts. */}}
{{- define "wormhole.container" -}}
{{- $values := index .root.Values .component -}}
{{- $security := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) -}}
image: {{ include "wormhole.image" . | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml (mergeOverwrite $security $values.securityContext) | nindent 2 }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
{{- end }}

{{/*
Probes on the admin port. Liveness asks /livez alone, which no login and no peer can fail: a restart would not bring a
person's one-time code.
*/}}
{{- define "wormhole.probes" -}}
{{- $values := index .root.Values .component -}}
{{- $live := dict "httpGet" (dict "path" "/livez" "port" "admin") "timeoutSeconds" 3 -}}
{{- $ready := dict "httpGet" (dict "path" "/readyz" "port" "admin") "timeoutSeconds" 3 -}}
{{- $defaults := dict
  "startup" (merge (dict "periodSeconds" 2 "failureThreshold" 30) $live)
  "liveness" (merge (dict "periodSeconds" 10 "failureThreshold" 6) $live)
  "readiness" (merge (dict "periodSeconds" 5 "failureThreshold" 2) $ready) -}}
{{- range $kind := list "startup" "liveness" "readiness" }}
{{ $kind }}Probe:
  {{- toYaml (mergeOverwrite (index $defaults $kind) (index $values.probes $kind | default dict)) | nindent 2 }}
{{- end }}
{{- if and $values.preStopSleepSeconds (semverCompare ">=1.30.0-0" .root.Capabilities.KubeVersion.Version) }}
lifecycle:
  # The images hold no shell and no sleep.
  preStop: { sleep: { seconds: {{ $values.preStopSleepSeconds }} } }
{{- end }}
{{- end }}

{{/* Variables that every service knows, the operator's settings, and what stands in extraEnv. */}}
{{- define "wormhole.env" -}}
{{- $values := index .root.Values .component -}}
- { name: WORMHOLE_LOG, value: {{ .root.Values.log.filter | quote }} }
- { name: LOG_FORMAT, value: {{ .root.Values.log.format }} }
- { name: WORMHOLE_GRACE, value: {{ $values.drainSeconds }}s }
{{- range $name, $value := $values.settings }}
{{- /* helm reads every number as a float, and would write 67108864 as 6.7108864e+07. */}}
{{- $whole := and (kindIs "float64" $value) (eq (floor $value) $value) }}
- { name: {{ $name }}, value: {{ ternary (int64 $value) $value $whole | toString | quote }} }
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
