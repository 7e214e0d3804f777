{{- define "wormhole.oaiVolumes" -}}
{{- $oai := .Values.oai -}}
{{- $name := include "wormhole.name" (dict "root" . "component" "oai") -}}
- name: data
  {{- if include "wormhole.oaiPersists" . }}
  persistentVolumeClaim: { claimName: {{ $oai.persistence.existingClaim | default (printf "%s-data" $name) }} }
  {{- else }}
  emptyDir: { sizeLimit: {{ $oai.persistence.size }} }
  {{- end }}
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
- name: secrets
  projected:
    defaultMode: 288 # 0440
    sources:
      - secret:
          name: {{ include "wormhole.secret" (dict "root" . "existing" .Values.hub.existingSecret) }}
          items: [{ key: sender-token, path: sender-token }]
      {{- if not $oai.apiKeys.allowAnonymous }}
      - secret:
          name: {{ include "wormhole.secret" (dict "root" . "existing" $oai.apiKeys.existingSecret) }}
          items: [{ key: api-keys, path: api-keys }]
      {{- end }}
      {{- with $oai.embeddings.existingSecret }}
      - secret:
          name: {{ . }}
          items: [{ key: api-key, path: embeddings-key }]
      {{- end }}
{{- if $oai.templates }}
- name: templates
  configMap: { name: {{ $name }}-templates }
{{- end }}
{{- if $oai.agentPrompts }}
- name: prompts
  configMap: { name: {{ $name }}-prompts }
{{- end }}
{{- with $oai.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
