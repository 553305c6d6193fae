{{/* The longest name that follows has 16 letters, and Kubernetes allows 63. */}}
{{- define "docstore.release" -}}{{ .Release.Name | replace "." "-" | trunc 46 | trimSuffix "-" }}{{- end }}
{{- define "docstore.name" -}}{{ include "docstore.release" . }}-{{ .service }}{{- end }}

{{/* An object's metadata; `labels` and `annotations` of the context are its own. */}}
{{- define "docstore.metadata" -}}
name: {{ .name | default (include "docstore.name" .) }}
namespace: {{ .Release.Namespace }}
labels: {{- include "docstore.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .Values.commonAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Settings of one service: its own over the defaults. */}}
{{- define "docstore.settings" -}}
{{- toYaml (mustMergeOverwrite (deepCopy .Values.defaults) (deepCopy (index .Values.services .service | default dict))) -}}
{{- end }}

{{/* The services that are installed. */}}
{{- define "docstore.enabled" -}}
{{- range $service, $_ := .Values.services }}
{{- if (include "docstore.settings" (merge (dict "service" $service) $) | fromYaml).enabled }}
- {{ $service }}
{{- end }}
{{- end }}
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
{{- with merge (dict) (.labels | default dict) .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Where a pod runs, by the settings of its service; jobs have the defaults. */}}
{{- define "docstore.placement" -}}
{{- $settings := include "docstore.settings" . | fromYaml }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $key := list "priorityClassName" "nodeSelector" "tolerations" "affinity" }}
{{- with index $settings $key }}
{{ toYaml (dict $key .) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The secret of one service. */}}
{{- define "docstore.secret" -}}
{{ (include "docstore.settings" . | fromYaml).existingSecret | default (printf .Values.secrets.perService .service) }}
{{- end }}

{{/* The claim of a service's volume. */}}
{{- define "docstore.claim" -}}
{{ (include "docstore.settings" . | fromYaml).storage.existingClaim | default (include "docstore.name" .) }}
{{- end }}

{{/* A host name for the ways in: that of the public address. */}}
{{- define "docstore.host" -}}
{{ index (split ":" (urlParse .Values.publicUrl).host) "_0" }}
{{- end }}

{{/* Where a service reports whether it is ready. The gateway's own /readyz is about all services together. As a probe it would take
the whole API away while one of them restarts; and a gateway that answers has begun: it listens once it is set up. */}}
{{- define "docstore.readinessPath" -}}{{ ternary "/healthz" "/readyz" (eq . "gateway") }}{{- end }}

{{/* Any image has Python and docstore_events, for a job; accounts' as long as it is installed. */}}
{{- define "docstore.anyImage" -}}
{{- $enabled := include "docstore.enabled" . | fromYamlArray }}
{{- $owner := ternary "accounts" (first $enabled) (or (empty $enabled) (has "accounts" $enabled)) }}
{{- include "docstore.image" (merge (dict "service" $owner) .) }}
{{- end }}

{{- define "docstore.image" -}}
{{ (include "docstore.settings" . | fromYaml).image | default (printf "%s-%s:%s" .Values.image.prefix .service (.Values.image.tag | default .Chart.AppVersion)) }}
{{- end }}

{{/* How long a service that is to stop waits for the responses it has begun: GRACE_SECONDS of docstore_platform.service.serve. */}}
{{- define "docstore.drainSeconds" -}}15{{- end }}
{{/* And how long it may take then to hand over its work and close its connections. */}}
{{- define "docstore.closingSeconds" -}}15{{- end }}

{{- define "docstore.kafkaSettings" -}}
DOCSTORE_KAFKA_BOOTSTRAP: {{ .Values.kafka.bootstrap | quote }}
DOCSTORE_KAFKA_SECURITY_PROTOCOL: {{ .Values.kafka.securityProtocol | quote }}
DOCSTORE_KAFKA_SASL_MECHANISM: {{ .Values.kafka.saslMechanism | quote }}
{{- if .Values.certificateAuthorities.kafka }}
DOCSTORE_KAFKA_CA_FILE: /etc/docstore/ca/kafka/ca.crt
{{- end }}
DOCSTORE_TOPIC_PARTITIONS: {{ .Values.kafka.partitions | quote }}
DOCSTORE_TOPIC_REPLICATION: {{ .Values.kafka.replication | quote }}
{{- end }}

{{- define "docstore.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "docstore.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Later ones win: a service's own secret may have S3 keys of its own. */}}
{{- define "docstore.envFrom" -}}
- configMapRef: {name: {{ include "docstore.release" . }}-settings}
- secretRef: {name: {{ .Values.secrets.shared }}}
{{- if include "docstore.usesS3" . }}
- secretRef: {name: {{ .Values.secrets.objectStore }}, optional: true}
{{- end }}
- secretRef: {name: {{ include "docstore.secret" . }}}
{{- with (include "docstore.settings" . | fromYaml).envFrom }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The certificate authorities a service needs, as {name: secret}. */}}
{{- define "docstore.authorities" -}}
{{- $names := list "kafka" "mongo" }}
{{- if include "docstore.reachesS3" . }}{{ $names = append $names "objectStore" }}{{ end }}
{{- if eq .service "indexer" }}{{ $names = append $names "search" }}{{ end }}
{{- range $name := $names }}
{{- with index $.Values.certificateAuthorities $name }}
{{ $name }}: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "docstore.authorityMounts" -}}
{{- range $name, $secret := . }}
- {name: ca-{{ lower $name }}, mountPath: /etc/docstore/ca/{{ $name }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "docstore.authorityVolumes" -}}
{{- range $name, $secret := . }}
- name: ca-{{ lower $name }}
  secret: {secretName: {{ $secret }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end }}

{{/* What a schema can't say: values that are sound each by itself and wrong together. */}}
{{- define "docstore.check" -}}
{{- $needed := add .Values.readinessGapSeconds (include "docstore.drainSeconds" . | int) (include "docstore.closingSeconds" . | int) }}
{{- if lt (int .Values.terminationGraceSeconds) (int $needed) }}
{{- fail (printf "terminationGraceSeconds must be at least %d: the readiness gap, the drain, and time to close" $needed) }}
{{- end }}
{{- if and .Values.provisionTopics (hasPrefix "SASL" .Values.kafka.securityProtocol) (not .Values.secrets.provision) }}
{{- fail "with SASL the topics job needs secrets.provision: a Kafka user who may make topics (or provisionTopics: false)" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.parentRefs: name the Gateway that takes the route" }}
{{- end }}
{{- if and .Values.externalSecrets.enabled (not .Values.externalSecrets.store.name) }}
{{- fail "externalSecrets.store.name: name the store that has the secrets" }}
{{- end }}
{{- range $service := include "docstore.enabled" . | fromYamlArray }}
{{- $here := merge (dict "service" $service) $ }}
{{- $settings := include "docstore.settings" $here | fromYaml }}
{{- $most := 0 }}
{{- if $settings.kedaLag.enabled }}{{ $most = $settings.kedaLag.max }}
{{- else if $settings.autoscaling.enabled }}{{ $most = $settings.autoscaling.max }}
{{- else }}{{ $most = $settings.replicas }}{{ end }}
{{- if and $settings.storage (gt (int $most) 1) }}
{{- fail (printf "services.%s: its volume belongs to one process: one replica, or storage: null" $service) }}
{{- end }}
{{- if and $settings.kedaLag.enabled (not (include "docstore.consumes" $here)) }}
{{- fail (printf "services.%s has no unread events to be scaled by" $service) }}
{{- end }}
{{- if and $settings.kedaLag.enabled (gt (int $settings.kedaLag.max) (int $.Values.kafka.partitions)) }}
{{- fail (printf "services.%s: unread events are shared by %d instances at most (kafka.partitions): kedaLag.max is above" $service (int $.Values.kafka.partitions)) }}
{{- end }}
{{- range list $settings.autoscaling $settings.kedaLag }}
{{- if and .enabled (gt (int .min) (int .max)) }}
{{- fail (printf "services.%s: min is above max" $service) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
