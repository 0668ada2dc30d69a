{{- define "callsheet.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- /* Labels that never change: selectors are made of them. */ -}}
{{- define "callsheet.selector" -}}
app.kubernetes.io/name: callsheet
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "callsheet.labels" -}}
{{ include "callsheet.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "callsheet.image" -}}
{{- $image := .Values.image -}}
{{- $named := printf "%s:%s" $image.repository ($image.tag | default .Chart.AppVersion) -}}
{{- if $image.digest }}{{ printf "%s@%s" $named $image.digest }}{{ else }}{{ $named }}{{ end -}}
{{- end }}

{{- /* The task queue of a part: the base for workflows, BASE-part for the rest, as the worker names it. */ -}}
{{- define "callsheet.queue" -}}
{{- if eq .part "workflows" }}{{ .base }}{{ else }}{{ printf "%s-%s" .base .part }}{{ end -}}
{{- end }}

{{- /* What one pool may set stands over what pools have in common. */ -}}
{{- define "callsheet.pool" -}}
{{- mergeOverwrite (deepCopy .root.Values.poolDefaults) .pool | toYaml -}}
{{- end }}

{{- /* What the schema of the values cannot say, or not say plainly. */ -}}
{{- define "callsheet.check" -}}
{{- if eq .Values.image.tag "latest" -}}
{{- fail "image.tag: latest is another image every week; name a version, or set image.digest" -}}
{{- end -}}
{{- $owned := list "QUEUES" "TASK_QUEUE" "MIGRATE" "HEALTH" "HOME" "DECISION_KEYS" "SIGNING_KEY" -}}
{{- $owned = concat $owned (list "DESK_HOST" "DESK_PORT" "DESK_URL" "DESK_OIDC_ISSUER" "DESK_OIDC_CLIENT") -}}
{{- range $name, $_ := .Values.settings -}}
{{- if regexMatch "DATABASE|SECRET|SLACK_URL|SMTP_URL" $name -}}
{{- fail (printf "settings.%s is a secret: name its secret and key under secrets.all, secrets.workers, secrets.model or secrets.desk" $name) -}}
{{- end -}}
{{- if has (trimPrefix "CALLSHEET_" $name) $owned -}}
{{- fail (printf "settings.%s is set by the chart, from pools, taskQueue, jobs, decisions or desk" $name) -}}
{{- end -}}
{{- end -}}
{{- $plain := mergeOverwrite (dict) .Values.environment .Values.poolDefaults.environment -}}
{{- range $name, $pool := .Values.pools }}{{ $plain = mergeOverwrite $plain ($pool.environment | default dict) }}{{ end -}}
{{- range $name, $_ := $plain -}}
{{- if regexMatch "TOKEN|SECRET|PASSWORD|_API_KEY|ACCESS_KEY|_HEADERS" $name -}}
{{- fail (printf "environment.%s looks like a secret: name its secret and key under secrets" $name) -}}
{{- end -}}
{{- if regexMatch "^(CALLSHEET|TEMPORAL)_" $name -}}
{{- fail (printf "environment.%s belongs under settings (CALLSHEET_...) or temporal" $name) -}}
{{- end -}}
{{- end -}}
{{- $served := dict -}}
{{- range $name, $given := .Values.pools -}}
{{- $pool := include "callsheet.pool" (dict "root" $ "pool" $given) | fromYaml -}}
{{- if $pool.enabled -}}
{{- if and $pool.autoscaling.enabled (gt (int $pool.autoscaling.min) (int $pool.autoscaling.max)) -}}
{{- fail (printf "pools.%s.autoscaling: min %v is above max %v" $name $pool.autoscaling.min $pool.autoscaling.max) -}}
{{- end -}}
{{- range $pool.queues -}}
{{- if hasKey $served . -}}
{{- fail (printf "pools: %s and %s both serve the queue %s; let one of them serve it" (get $served .) $name .) -}}
{{- end -}}
{{- $_ := set $served . $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range list "workflows" "model" "tools" "studio" -}}
{{- if not (hasKey $served .) -}}
{{- fail (printf "pools: no pool serves the queue %s, so its tasks would wait for ever" .) -}}
{{- end -}}
{{- end -}}
{{- end }}
