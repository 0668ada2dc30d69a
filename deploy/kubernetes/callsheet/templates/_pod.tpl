{{- /* How a process reaches Temporal. Where the Worker Controller makes the pods, it says so itself. */ -}}
{{- define "callsheet.temporal" -}}
{{- $temporal := .Values.temporal }}
- name: TEMPORAL_ADDRESS
  value: {{ $temporal.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ $temporal.namespace | quote }}
{{- if eq $temporal.auth "apiKey" }}
- name: TEMPORAL_API_KEY
  valueFrom: { secretKeyRef: { name: {{ $temporal.apiKey.secret }}, key: {{ $temporal.apiKey.key }} } }
{{- end }}
{{- if eq $temporal.auth "mtls" }}
- name: TEMPORAL_TLS_CLIENT_CERT_PATH
  value: /etc/callsheet/temporal/tls.crt
- name: TEMPORAL_TLS_CLIENT_KEY_PATH
  value: /etc/callsheet/temporal/tls.key
{{- if $temporal.mtls.serverAuthority }}
- name: TEMPORAL_TLS_SERVER_CA_CERT_PATH
  value: /etc/callsheet/temporal/ca.crt
{{- end }}
{{- if $temporal.mtls.serverName }}
- name: TEMPORAL_TLS_SERVER_NAME
  value: {{ $temporal.mtls.serverName | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "callsheet.secrets" -}}
{{- range $name, $from := . }}
- name: {{ $name }}
  valueFrom: { secretKeyRef: { name: {{ $from.secret }}, key: {{ $from.key }} } }
{{- end }}
{{- end }}

{{- /* Plain variables, sorted, so that the same values make the same pods. */ -}}
{{- define "callsheet.plain" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{- define "callsheet.decisions" -}}
{{- with .Values.decisions.keys }}
- name: CALLSHEET_DECISION_KEYS
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}

{{- define "callsheet.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.user }}
runAsGroup: {{ .Values.podSecurity.group }}
fsGroup: {{ .Values.podSecurity.group }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "callsheet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "callsheet.mounts" -}}
- { name: tmp, mountPath: /tmp }
- { name: home, mountPath: /var/lib/callsheet }
{{- end }}

{{- define "callsheet.temporalMount" -}}
{{- if eq .Values.temporal.auth "mtls" }}
- { name: temporal, mountPath: /etc/callsheet/temporal, readOnly: true }
{{- end }}
{{- end }}

{{- /* 288 is 0440: JSON knows no octal numbers, and YAML 1.2 reads them as others than YAML 1.1. */ -}}
{{- define "callsheet.temporalVolume" -}}
{{- if eq .Values.temporal.auth "mtls" }}
- name: temporal
  secret: { secretName: {{ .Values.temporal.mtls.secret }}, defaultMode: 288 }
{{- end }}
{{- end }}

{{- /* Pods of one kind apart from each other: over zones first, then over nodes. `labels` is their selector. */ -}}
{{- define "callsheet.spread" -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- $.labels | nindent 6 }}
{{- end }}
{{- end }}
