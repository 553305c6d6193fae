{{- define "docstore.name" -}}{{ .Release.Name }}-{{ .service }}{{- end }}

{{/* Settings of one service: its own over the defaults. */}}
{{- define "docstore.settings" -}}
{{- toYaml (mustMergeOverwrite (deepCopy .Values.defaults) (deepCopy (index .Values.services .service | default dict))) -}}
{{- end }}

{{- define "docstore.selector" -}}
app.kubernetes.io/name: docstore
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end }}

{{- define "docstore.labels" -}}
{{ include "docstore.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "docstore.image" -}}
{{ .Values.image.prefix }}-{{ .service }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Which services reach S3, and which the internet. */}}
{{- define "docstore.usesS3" -}}{{ if has .service (list "upload" "metadata" "indexer") }}yes{{ end }}{{- end }}
{{- define "docstore.usesInternet" -}}{{ if has .service (list "notify" "accounts") }}yes{{ end }}{{- end }}

{{/* Who calls whom by HTTP, as the architecture draws it; everybody asks accounts for its public keys. */}}
{{- define "docstore.callers" -}}
accounts: [gateway, upload, metadata, quota, indexer, notify]
upload: [gateway]
metadata: [gateway, upload, quota, indexer, notify]
quota: [gateway, upload, metadata, accounts]
indexer: [gateway, upload]
notify: [gateway, upload]
gateway: []
{{- end }}

{{- define "docstore.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "docstore.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "docstore.envFrom" -}}
- configMapRef: {name: {{ .Release.Name }}-settings}
- secretRef: {name: {{ .Values.secrets.shared }}}
- secretRef: {name: {{ printf .Values.secrets.perService .service }}}
{{- if include "docstore.usesS3" . }}
- secretRef: {name: {{ .Values.secrets.objectStore }}, optional: true}
{{- end }}
{{- end }}
