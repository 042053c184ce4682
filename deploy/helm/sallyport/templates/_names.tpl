{{- define "sallyport.labels" -}}
app.kubernetes.io/name: sallyport
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "sallyport.name" -}}
{{ eq .Release.Name "sallyport" | ternary .Release.Name (printf "%s-sallyport" .Release.Name) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{/* Where the pod asks itself how it is. */}}
{{- define "sallyport.admin" -}}
{{ dig "admin" "tls" "" (fromYaml .Values.config) | empty | ternary "http" "https" }}://127.0.0.1:9901
{{- end }}
