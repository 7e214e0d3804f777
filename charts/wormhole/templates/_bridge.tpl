{{/* One account's variables: (dict "root" $ "account" . "lease" name). */}}
{{- define "wormhole.bridgeEnv" -}}
{{- $bridge := .root.Values.bridge -}}
{{- $site := .account.site | default "outlier" -}}
- { name: WORMHOLE_SERVER_HOST, value: {{ include "wormhole.name" (dict "root" .root "component" "server") }} }
- { name: WORMHOLE_PAGE_TOKEN_FILE, value: /run/secrets/wormhole/page-token }
- { name: WORMHOLE_ACCOUNT, value: {{ .account.name | quote }} }
- { name: WORMHOLE_SITE, value: {{ ternary (printf "/etc/wormhole/sites/%s.yaml" $site) $site (hasKey $bridge.sites $site) | quote }} }
{{- with .account.siteOrigin }}
- { name: WORMHOLE_SITE_ORIGIN, value: {{ . | quote }} }
{{- end }}
{{- if .account.demo }}
# No secret: everybody may log in to the practice site with these.
- { name: OUTLIER_EMAIL, value: demo@example.test }
- { name: OUTLIER_PASSWORD, value: practice }
{{- else if .account.existingSecret }}
- { name: OUTLIER_EMAIL, valueFrom: { secretKeyRef: { name: {{ .account.existingSecret }}, key: email } } }
- { name: OUTLIER_PASSWORD_FILE, value: /run/secrets/wormhole/password }
{{- end }}
- { name: CHROME_USER_DATA_DIR, value: /data/chrome }
- { name: CHROME_SANDBOX, value: {{ $bridge.sandbox | quote }} }
- { name: CHROME_MEMORY_MIB, value: {{ $bridge.memoryCeilingMiB | int | quote }} }
- { name: WORMHOLE_DIAGNOSTICS, value: /data/diagnostics }
{{- if $bridge.injectScript }}
- { name: WORMHOLE_INJECT_SCRIPT, value: /etc/wormhole/script/inject_wormhole.js }
{{- end }}
{{- if $bridge.console.enabled }}
- { name: WORMHOLE_CONSOLE_TOKEN_FILE, value: /run/secrets/wormhole/console-token }
{{- end }}
{{- if $bridge.alerts.existingSecret }}
- { name: WORMHOLE_ALERT_WEBHOOK_FILE, value: /run/secrets/wormhole/webhook }
{{- end }}
{{- if $bridge.kube.enabled }}
- { name: WORMHOLE_KUBE, value: 'true' }
- { name: WORMHOLE_LEASE_NAME, value: {{ .lease }} }
- { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
- { name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
- { name: POD_UID, valueFrom: { fieldRef: { fieldPath: metadata.uid } } }
{{- end }}
{{- end }}

{{/* One account's volumes: (dict "root" $ "account" .). */}}
{{- define "wormhole.bridgeVolumes" -}}
{{- $bridge := .root.Values.bridge -}}
{{- $name := include "wormhole.name" (dict "root" .root "component" "bridge") -}}
- name: tmp
  emptyDir: { sizeLimit: 256Mi }
{{- if .account.forgets }}
- name: profile
  emptyDir: { sizeLimit: {{ .account.size }} }
{{- end }}
- name: secrets
  projected:
    defaultMode: 288 # 0440, which a parser of YAML 1.2 takes for a decimal or for text
    sources:
      - secret:
          name: {{ include "wormhole.secret" (dict "root" .root "existing" .root.Values.hub.existingSecret) }}
          items: [{ key: page-token, path: page-token }]
      {{- if $bridge.console.enabled }}
      - secret:
          name: {{ include "wormhole.secret" (dict "root" .root "existing" $bridge.console.existingSecret) }}
          items: [{ key: console-token, path: console-token }]
      {{- end }}
      {{- with .account.existingSecret }}
      - secret:
          name: {{ . }}
          items: [{ key: password, path: password }]
      {{- end }}
      {{- with $bridge.alerts.existingSecret }}
      - secret:
          name: {{ . }}
          items: [{ key: webhook, path: webhook }]
      {{- end }}
{{- if $bridge.sites }}
- name: sites
  configMap: { name: {{ $name }}-sites }
{{- end }}
{{- if $bridge.injectScript }}
- name: script
  configMap: { name: {{ $name }}-script }
{{- end }}
{{- with $bridge.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
