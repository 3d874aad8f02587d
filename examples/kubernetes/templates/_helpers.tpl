{{- define "mock.selector" -}}
app.kubernetes.io/name: activation-mockserver
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "valkey.selector" -}}
app.kubernetes.io/name: valkey
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mock.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* Not empty if several replicas are allowed and wanted. */}}
{{- define "mock.several" -}}
{{- $store := or .Values.store.secret .Values.valkey.enabled }}
{{- $several := or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}
{{- if and $several (not $store) }}
{{- fail "replicas > 1 and autoscaling need a store, as state is per process: set store.secret or valkey.enabled" }}
{{- end }}
{{- if and .Values.store.secret .Values.valkey.enabled }}
{{- fail "set either store.secret or valkey.enabled, not both" }}
{{- end }}
{{- if $several }}several{{ end }}
{{- end }}
