{{- define "callsheet.poolSelector" -}}
{{ include "callsheet.selector" .root }}
app.kubernetes.io/component: worker
callsheet/pool: {{ .name }}
{{- end }}

{{- /* The pods of one pool. */ -}}
{{- define "callsheet.workerPod" -}}
{{- $root := .root -}}
{{- $pool := include "callsheet.pool" . | fromYaml -}}
{{- $labels := include "callsheet.poolSelector" . -}}
metadata:
  labels:
    {{- $labels | nindent 4 }}
  {{- with $pool.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "callsheet.name" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $pool.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- with $pool.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $pool.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $pool.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  # Above the time in which a worker drains, or the kubelet would kill what it is about to hand back.
  terminationGracePeriodSeconds: {{ $pool.terminationGracePeriodSeconds }}
  securityContext: {{- include "callsheet.podSecurity" $root | nindent 4 }}
  topologySpreadConstraints: {{- include "callsheet.spread" (dict "labels" $labels) | nindent 4 }}
  containers:
    - name: worker
      image: {{ $pool.image | default (include "callsheet.image" $root) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: [python3, -m, worker]
      env:
        {{- if not $root.Values.versioning.enabled }}
        {{- include "callsheet.temporal" $root | nindent 8 }}
        {{- end }}
        - name: CALLSHEET_QUEUES
          value: {{ join "," $pool.queues | quote }}
        - name: CALLSHEET_TASK_QUEUE
          value: {{ $root.Values.taskQueue | quote }}
        {{- with $pool.places }}
        - name: CALLSHEET_PLACES
          value: {{ range $index, $name := keys . | sortAlpha }}{{ if $index }},{{ end }}{{ $name }}={{ get $pool.places $name }}{{ end }}
        {{- end }}
        # The job before each upgrade does it, once, and by one who may.
        - name: CALLSHEET_MIGRATE
          value: {{ not $root.Values.jobs.migrate.enabled | quote }}
        - name: CALLSHEET_HEALTH
          value: 0.0.0.0:8086
        - name: OTEL_METRICS_EXPORTER
          value: prometheus
        - name: OTEL_EXPORTER_PROMETHEUS_HOST
          value: 0.0.0.0
        - name: OTEL_EXPORTER_PROMETHEUS_PORT
          value: "9464"
        {{- with $root.Values.desk.url }}
        - name: CALLSHEET_DESK_URL
          value: {{ . | quote }}
        {{- end }}
        {{- include "callsheet.decisions" $root | nindent 8 }}
        {{- $secrets := merge (dict) $root.Values.secrets.all $root.Values.secrets.workers }}
        {{- if has "model" $pool.queues }}
        {{- $secrets = merge $secrets $root.Values.secrets.model }}
        {{- end }}
        {{- include "callsheet.secrets" $secrets | nindent 8 }}
        {{- include "callsheet.plain" (mergeOverwrite (dict) $root.Values.settings $root.Values.environment $pool.environment) | nindent 8 }}
      {{- with $root.Values.secretEnvironments }}
      envFrom:
        {{- range . }}
        - secretRef: { name: {{ . }} }
        {{- end }}
      {{- end }}
      ports:
        - { name: health, containerPort: 8086 }
        - { name: metrics, containerPort: 9464 }
      startupProbe:
        httpGet: { path: /healthz, port: health }
        periodSeconds: 3
        failureThreshold: 40
      # Alive is all that is asked here: a worker that waits for Temporal or the database is not mended by a restart.
      livenessProbe:
        httpGet: { path: /healthz, port: health }
        periodSeconds: 15
        timeoutSeconds: 5
        failureThreshold: 4
      readinessProbe:
        httpGet: { path: /readyz, port: health }
        periodSeconds: 5
        timeoutSeconds: 3
      resources: {{- toYaml $pool.resources | nindent 8 }}
      securityContext: {{- include "callsheet.containerSecurity" $root | nindent 8 }}
      volumeMounts:
        {{- include "callsheet.mounts" $root | nindent 8 }}
        {{- if not $root.Values.versioning.enabled }}
        {{- include "callsheet.temporalMount" $root | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: { medium: Memory, sizeLimit: {{ $pool.scratch.tmp }} }
    - name: home
      emptyDir: { sizeLimit: {{ $pool.scratch.home }} }
    {{- if not $root.Values.versioning.enabled }}
    {{- include "callsheet.temporalVolume" $root | nindent 4 }}
    {{- end }}
{{- end }}
