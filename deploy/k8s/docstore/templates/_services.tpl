{{/* Written by `make generate` from the registry of services and from their code. */}}

{{/* Which services have keys of S3, which connect to it, some by signed URLs alone, and which to the internet. */}}
{{- define "docstore.usesS3" -}}{{ if has .service (list "analytics" "indexer" "media" "metadata" "upload") }}yes{{ end }}{{- end }}
{{- define "docstore.reachesS3" -}}{{ if has .service (list "analytics" "gateway" "indexer" "media" "metadata" "upload") }}yes{{ end }}{{- end }}
{{- define "docstore.usesInternet" -}}{{ if has .service (list "accounts" "notify") }}yes{{ end }}{{- end }}

{{/* Which services share events among their instances. */}}
{{- define "docstore.consumes" -}}{{ if has .service (list "accounts" "analytics" "indexer" "media" "metadata" "notify" "quota") }}yes{{ end }}{{- end }}

{{/* Which service is called by which over HTTP; all ask accounts for its public keys. */}}
{{- define "docstore.callers" -}}
accounts: [analytics, gateway, indexer, media, metadata, notify, quota, upload]
analytics: [gateway]
gateway: []
indexer: [gateway, upload]
media: [gateway, metadata, upload]
metadata: [accounts, analytics, gateway, indexer, media, notify, quota, upload]
notify: [gateway, upload]
quota: [accounts, gateway, metadata, upload]
upload: [gateway, metadata]
{{- end }}
